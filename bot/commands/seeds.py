"""`/seed save`, `list`, `use`, `delete`: seeds with names."""

import discord
from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.acknowledge import think, whisper
from bot.commands import options
from bot.commands.imagine import draw
from bot.desk import Desk, viewer_of
from bot.pick import Pick, seed_of
from bot.place import Viewer
from bot.seeds import is_number
from bot.wording import labels


class SeedCommands(commands.GroupCog, group_name="seed", group_description=labels.COMMANDS["seed"]):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @app_commands.command(name="save", description=labels.COMMANDS["seed save"])
    @app_commands.describe(name=labels.SEED_SAVE_NAME, seed=labels.SEED_SAVE_SEED)
    @app_commands.autocomplete(seed=options.suggest_generation)
    async def save(self, interaction: options.Interaction, name: str, seed: str) -> None:
        await think(interaction, private=True)
        viewer = viewer_of(interaction)
        if is_number(seed):
            saved = await self._desk.seeds.save(viewer, name, seed=await self._desk.seeds.read(viewer, seed))
        else:
            pick = Pick.read(seed)
            generation = await self._desk.history.recall(pick.generation_id, viewer)
            saved = await self._desk.seeds.save(
                viewer, name, seed=seed_of(generation, pick.first), generation_id=generation.id
            )
        await whisper(interaction, wording.seed_saved(saved))

    @app_commands.command(name="list", description=labels.COMMANDS["seed list"])
    async def list(self, interaction: options.Interaction) -> None:
        saved = await self._desk.seeds.list(viewer_of(interaction))
        if saved:
            await whisper(interaction, embeds=[wording.seed_list(saved)])
        else:
            await whisper(interaction, wording.SEEDS_EMPTY)

    @app_commands.command(name="use", description=labels.COMMANDS["seed use"])
    @app_commands.describe(name=labels.SEED_NAME)
    @app_commands.autocomplete(name=options.suggest_saved_seed)
    @options.described
    async def use(
        self,
        interaction: options.Interaction,
        name: str,
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
        private: bool | None = None,
    ) -> None:
        desk = self._desk

        async def read_seed(viewer: Viewer) -> int:
            return (await desk.seeds.find(viewer, name)).seed

        await draw(
            desk,
            interaction,
            read_seed=read_seed,
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

    @app_commands.command(name="delete", description=labels.COMMANDS["seed delete"])
    @app_commands.describe(name=labels.SEED_NAME)
    @app_commands.autocomplete(name=options.suggest_saved_seed)
    async def delete(self, interaction: options.Interaction, name: str) -> None:
        await think(interaction, private=True)
        await self._desk.seeds.delete(viewer_of(interaction), name)
        await whisper(interaction, wording.seed_deleted(name))
