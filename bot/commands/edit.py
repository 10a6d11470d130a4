"""What the Edit button's modal was answered with."""

from collections.abc import Mapping

from discord.ext import commands

from bot.acknowledge import refuse
from bot.commands.options import Interaction, given
from bot.desk import Desk, viewer_of
from bot.views import read_edit, read_strength


class Edit(commands.Cog):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        edit = read_edit(interaction)
        if edit is None:
            return
        generation_id, typed = edit
        try:
            await self._draw(interaction, generation_id, typed)
        except Exception as error:  # noqa: BLE001  (discord.py would only log it, and the member wait in vain)
            await refuse(interaction, error)

    async def _draw(self, interaction: Interaction, generation_id: str, typed: Mapping[str, str]) -> None:
        viewer = viewer_of(interaction)
        parent = await self._desk.history.recall(generation_id, viewer)
        address = await self._desk.think(interaction, private=parent.private)
        seed = typed.get("seed", "").strip()
        changes = given(
            strength=read_strength(typed.get("strength", "")),
            seed=await self._desk.seeds.read(viewer, seed) if seed else None,
        )
        request = await self._desk.history.again(
            parent.id,
            viewer,
            new_seed=not seed,
            prompt=typed["prompt"],
            negative_prompt=typed.get("negative_prompt", ""),
            **changes,
        )
        await self._desk.submit(
            request, viewer=viewer, address=address, private=parent.private, parent_id=parent.id
        )
