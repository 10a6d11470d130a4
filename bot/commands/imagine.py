"""`/imagine`: a picture from words, or from words and a picture."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.commands import options
from bot.desk import Desk, viewer_of
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
        size: str | None = None,
        count: options.Count = 1,
        image: discord.Attachment | None = None,
        strength: options.Strength | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        scheduler: str | None = None,
        seed: str | None = None,
        private: bool = False,
    ) -> None:
        # 1. Discord waits for three seconds: everything that can take time comes after this.
        address = await self._desk.think(interaction, private=private)
        # 2. What was given, as a request.
        viewer = viewer_of(interaction)
        source = None if image is None else await self._desk.read_source(image)
        request = Request(
            prompt=prompt,
            count=count,
            **options.given(
                negative_prompt=negative_prompt,
                model=model,
                size=size,
                source=None if source is None else source.sha256,
                strength=strength,
                steps=steps,
                guidance=guidance,
                scheduler=scheduler,
                seed=None if seed is None else await self._desk.seeds.read(viewer, seed),
            ),
        )
        # 3. To the studio.
        await self._desk.submit(request, viewer=viewer, address=address, private=private, source=source)
