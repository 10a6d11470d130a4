"""`/reroll`: a recorded generation again, as it was or changed."""

from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.commands import options
from bot.desk import Desk, viewer_of
from bot.wording import labels


class Reroll(commands.Cog):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @app_commands.command(name="reroll", description=labels.COMMANDS["reroll"])
    @app_commands.autocomplete(id=options.suggest_generation)
    @options.described
    @app_commands.describe(id=labels.REROLL_ID, seed=labels.REROLL_SEED)
    async def reroll(
        self,
        interaction: options.Interaction,
        id: str,  # noqa: A002  (the option's name, which members type)
        seed: Literal["new", "same"] = "new",
        prompt: options.Prompt | None = None,
        negative_prompt: options.NegativePrompt | None = None,
        model: str | None = None,
        size: str | None = None,
        count: options.Count | None = None,
        image: discord.Attachment | None = None,
        strength: options.Strength | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        scheduler: str | None = None,
        private: bool = False,
    ) -> None:
        viewer = viewer_of(interaction)
        parent = await self._desk.history.recall(options.read_id(id), viewer)
        private = private or parent.private
        address = await self._desk.think(interaction, private=private)
        async with self._desk.upload(image) as source:
            changes = options.given(
                prompt=prompt,
                negative_prompt=negative_prompt,
                model=model,
                size=size,
                count=count,
                source=None if source is None else source.sha256,
                strength=strength,
                steps=steps,
                guidance=guidance,
                scheduler=scheduler,
            )
            request = await self._desk.history.again(parent.id, viewer, new_seed=seed == "new", **changes)
            await self._desk.submit(
                request, viewer=viewer, address=address, private=private, parent_id=parent.id, source=source
            )
