"""`/compare`: one prompt in several ways, side by side."""

from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.commands import options
from bot.desk import Desk, viewer_of
from bot.post import insist
from bot.views import sheet_asking_view
from bot.wording import labels

List = app_commands.Range[str, 1, 200]


class Compare(commands.Cog):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @app_commands.command(name="compare", description=labels.COMMANDS["compare"])
    @app_commands.describe(**labels.COMPARE)
    @app_commands.autocomplete(
        scheduler=options.suggest_schedulers, model=options.suggest_models, seed=options.suggest_seeds
    )
    async def compare(
        self,
        interaction: options.Interaction,
        prompt: options.Prompt,
        steps: List | None = None,
        guidance: List | None = None,
        scheduler: List | None = None,
        model: List | None = None,
        seed: List | None = None,
    ) -> None:
        viewer = viewer_of(interaction)
        private = await self._desk.is_private(viewer, None)
        await self._desk.think(interaction, private=private)
        lists = {"steps": steps, "guidance": guidance, "scheduler": scheduler, "model": model, "seed": seed}
        given = {option: text for option, text in lists.items() if text is not None}
        asked = await self._desk.sheets.ask(prompt, given, viewer, private=private)
        text = wording.comparison_asked(asked.comparison, asked.cost, asked.allowance)
        view = sheet_asking_view(asked.sheet_id)
        await insist(lambda: interaction.edit_original_response(content=text, view=view))
