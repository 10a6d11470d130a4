"""What the Edit button's modal was answered with."""

from discord.ext import commands

from bot.acknowledge import answered
from bot.commands.options import Interaction, given
from bot.desk import Desk, viewer_of
from bot.further import draw_again
from bot.pick import alone
from bot.views import Edited, read_edit, read_strength


class Edit(commands.Cog):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        if (edit := read_edit(interaction)) is not None:
            await answered(interaction, self._draw(interaction, edit))

    async def _draw(self, interaction: Interaction, edit: Edited) -> None:
        viewer, typed, number = viewer_of(interaction), edit.fields, edit.pick.number
        parent = await self._desk.history.recall(edit.pick.generation_id, viewer)
        one = {} if number is None else alone(parent, number)
        recipe = parent.recipe if number is None else parent.recipe.part(number - 1, number)
        seed = typed.get("seed", "").strip()
        changes = given(
            strength=read_strength(typed.get("strength", "")),
            seed=await self._desk.seeds.read(viewer, seed) if seed else None,
        )
        changes |= edit.changes(recipe)
        words = {"prompt": typed["prompt"], "negative_prompt": typed.get("negative_prompt", "")}
        if not seed:
            one.pop("seed", None)
        await draw_again(interaction, parent, new_seed=not seed, **{**one, **words, **changes})
