"""`/imagine`: a picture from words, or from words and a picture."""

from collections.abc import Awaitable, Callable
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.commands import options
from bot.desk import Desk, viewer_of
from bot.place import Viewer
from bot.wording import labels
from generation import Request


class Imagine(commands.Cog):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @app_commands.command(name="imagine", description=labels.COMMANDS["imagine"])
    @app_commands.autocomplete(seed=options.suggest_seed)
    @options.described
    async def imagine(
        self,
        interaction: options.Interaction,
        prompt: options.Prompt,
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
        seed: str | None = None,
        private: bool | None = None,
    ) -> None:
        desk = self._desk
        await draw(
            desk,
            interaction,
            read_seed=None if seed is None else lambda viewer: desk.seeds.read(viewer, seed),
            image=image,
            mask=mask,
            mode=mode,
            private=private,
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


async def draw(
    desk: Desk,
    interaction: options.Interaction,
    *,
    read_seed: Callable[[Viewer], Awaitable[int]] | None,
    image: discord.Attachment | None,
    mask: discord.Attachment | None,
    mode: str | None,
    private: bool | None,
    **wish: Any,
) -> None:
    """Acknowledge, turn what was given into a request, and hand it to the studio; `wish` is by option names.

    Where `private` is None, the member's own default says.
    """
    # 1. Discord waits for three seconds: everything that can take time comes after this.
    viewer = viewer_of(interaction)
    private = await desk.is_private(viewer, private)
    address = await desk.think(interaction, private=private)
    # 2. What was given, as a request.
    async with (
        desk.upload(image, with_holes=options.wants_holes(mode, mask)) as source,
        desk.upload_mask(mask) as kept_mask,
    ):
        request = Request(
            seed=None if read_seed is None else await read_seed(viewer),
            **options.pictures_given(source, kept_mask),
            **options.mode_given(mode),
            **options.given(**wish),
        )
        # 3. To the studio.
        await desk.submit(request, viewer=viewer, address=address, private=private, source=source)
