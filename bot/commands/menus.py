"""What the menu of a message with a picture offers, and `/describe`."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.acknowledge import answered, think
from bot.commands.options import Interaction, given, pictures_given
from bot.desk import Desk, viewer_of
from bot.further import Chosen, chosen_from, upscale
from bot.views import (
    Offered,
    describe,
    offer_source,
    read_offer,
    read_settings,
    read_strength,
    show_recipe,
)
from bot.wording import labels
from generation import Mode, Request


class Menus(commands.Cog):
    def __init__(self, desk: Desk, client: commands.AutoShardedBot) -> None:
        self._desk = desk
        self._client = client
        self._menus = (
            app_commands.ContextMenu(name=labels.USE_AS_SOURCE, callback=self._use_as_source),
            app_commands.ContextMenu(name=labels.SHOW_RECIPE, callback=self._show_recipe),
            app_commands.ContextMenu(name=labels.UPSCALE, callback=self._upscale),
            app_commands.ContextMenu(name=labels.DESCRIBE, callback=self._describe_message),
        )

    async def cog_load(self) -> None:
        """A cog's slash commands are known by themselves, its menus are not."""
        for menu in self._menus:
            self._client.tree.add_command(menu)

    async def _use_as_source(self, interaction: Interaction, message: discord.Message) -> None:
        chosen = await chosen_from(interaction, message)
        await think(interaction, private=True)
        await offer_source(interaction, chosen)

    async def _show_recipe(self, interaction: Interaction, message: discord.Message) -> None:
        chosen = await chosen_from(interaction, message)
        await think(interaction, private=True)
        await show_recipe(interaction, chosen)

    async def _upscale(self, interaction: Interaction, message: discord.Message) -> None:
        await upscale(interaction, await chosen_from(interaction, message))

    async def _describe_message(self, interaction: Interaction, message: discord.Message) -> None:
        await describe(interaction, await chosen_from(interaction, message))

    @app_commands.command(name="describe", description=labels.COMMANDS["describe"])
    @app_commands.describe(image=labels.DESCRIBE_IMAGE)
    async def describe(self, interaction: Interaction, image: discord.Attachment) -> None:
        await describe(interaction, Chosen(upload=image))

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        if (wish := read_offer(interaction)) is not None:
            await answered(interaction, self._draw_from(interaction, wish))

    async def _draw_from(self, interaction: Interaction, wish: Offered) -> None:
        """Draw from the picture that Use as source has shown."""
        desk, viewer = self._desk, viewer_of(interaction)
        chosen = await chosen_from(interaction, interaction.message)
        private = chosen.private or await desk.is_private(viewer)
        address = await desk.think(interaction, private=private)
        changes = read_settings(wish.settings) | given(strength=read_strength(wish.strength))
        if "model" not in changes and chosen.drawn is not None and changes.get("mode") is not Mode.UPSCALE:
            changes["model"] = desk.studio.recipes.kept_model(chosen.drawn.recipe, changes.get("mode"), viewer)
        data, name = await chosen.read()
        with_holes = changes.get("mode") is Mode.INPAINT
        async with desk.holding(desk.read_data(data, name, with_holes=with_holes)) as source:
            await desk.submit(
                Request(prompt=wish.prompt, **pictures_given(source, None), **changes),
                viewer=viewer,
                address=address,
                private=private,
                parent_id=None if chosen.drawn is None else chosen.drawn.id,
                source=source,
            )
