"""`/reroll`: a recorded generation again, as it was or changed."""

from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.commands import options
from bot.desk import Desk, viewer_of
from bot.pick import Pick, alone
from bot.wording import labels
from generation import Mode


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
        style: str | None = None,
        size: str | None = None,
        count: options.Count | None = None,
        image: discord.Attachment | None = None,
        strength: options.Strength | None = None,
        mask: discord.Attachment | None = None,
        mode: str | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        scheduler: str | None = None,
        private: bool | None = None,
    ) -> None:
        viewer = viewer_of(interaction)
        pick = Pick.read(id)
        parent = await self._desk.history.recall(pick.generation_id, viewer)
        private = parent.private or await self._desk.is_private(viewer, private)
        address = await self._desk.think(interaction, private=private)
        inpainting = mode if mode is not None or parent.recipe.mode is not Mode.INPAINT else "inpaint"
        async with (
            self._desk.upload(image, with_holes=options.wants_holes(inpainting, mask)) as source,
            self._desk.upload_mask(mask) as kept_mask,
        ):
            changes = {} if pick.number is None else alone(parent, pick.number, new_seed=seed == "new")
            changes |= options.given(
                prompt=prompt,
                negative_prompt=negative_prompt,
                model=model,
                style=style,
                size=size,
                count=count,
                strength=strength,
                steps=steps,
                guidance=guidance,
                scheduler=scheduler,
            )
            changes |= options.pictures_given(source, kept_mask) | options.mode_given(mode)
            request = await self._desk.history.again(parent.id, viewer, new_seed=seed == "new", **changes)
            await self._desk.submit(
                request, viewer=viewer, address=address, private=private, parent_id=parent.id, source=source
            )
