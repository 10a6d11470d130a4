"""`/vary`, `/upscale`, `/outpaint` and `/blend`: more of pictures that are there."""

from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.commands import options
from bot.desk import Desk, viewer_of
from bot.further import HALF, NEAR, Chosen, blend, choose, outpaint, upscale, vary
from bot.wording import labels
from generation import Direction


class Further(commands.Cog):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @app_commands.command(name="vary", description=labels.COMMANDS["vary"])
    @app_commands.describe(id=labels.PICTURE_ID, amount=labels.VARY_AMOUNT)
    @app_commands.autocomplete(id=options.suggest_generation)
    async def vary(
        self,
        interaction: options.Interaction,
        id: str,  # noqa: A002  (the option's name, which members type)
        amount: options.Amount = NEAR,
    ) -> None:
        await vary(interaction, id, amount=amount)

    @app_commands.command(name="upscale", description=labels.COMMANDS["upscale"])
    @app_commands.describe(
        image=labels.PICTURE_IMAGE,
        id=labels.PICTURE_ID,
        scale=labels.UPSCALE_SCALE,
        prompt=labels.UPSCALE_PROMPT,
    )
    @app_commands.autocomplete(id=options.suggest_generation)
    async def upscale(
        self,
        interaction: options.Interaction,
        image: discord.Attachment | None = None,
        id: str | None = None,  # noqa: A002  (the option's name, which members type)
        scale: options.Scale | None = None,
        prompt: options.Prompt | None = None,
    ) -> None:
        chosen = await choose(self._desk, viewer_of(interaction), image=image, typed=id)
        await upscale(interaction, chosen, scale=scale, prompt=prompt)

    @app_commands.command(name="blend", description=labels.COMMANDS["blend"])
    @app_commands.describe(image1=labels.BLEND_FIRST, image2=labels.BLEND_SECOND, amount=labels.BLEND_AMOUNT)
    async def blend(
        self,
        interaction: options.Interaction,
        image1: discord.Attachment,
        image2: discord.Attachment,
        amount: options.Amount = HALF,
    ) -> None:
        await blend(interaction, Chosen(upload=image1), Chosen(upload=image2), amount=amount)

    @app_commands.command(name="outpaint", description=labels.COMMANDS["outpaint"])
    @app_commands.describe(direction=labels.OUTPAINT_DIRECTION, image=labels.PICTURE_IMAGE, id=labels.PICTURE_ID)
    @app_commands.autocomplete(id=options.suggest_generation)
    async def outpaint(
        self,
        interaction: options.Interaction,
        direction: Literal["left", "right", "up", "down", "all"],
        image: discord.Attachment | None = None,
        id: str | None = None,  # noqa: A002  (the option's name, which members type)
    ) -> None:
        chosen = await choose(self._desk, viewer_of(interaction), image=image, typed=id)
        await outpaint(interaction, chosen, Direction(direction))
