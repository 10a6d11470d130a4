"""`/settings`: the member's own defaults."""

from collections.abc import Mapping
from typing import Any

from discord import app_commands
from discord.ext import commands

from bot import wording
from bot.acknowledge import answered, take_note, whisper
from bot.commands.options import Interaction
from bot.desk import Desk, viewer_of
from bot.preferences import Defaults
from bot.views import read_number, read_settings_modal, settings_message
from bot.wording import labels
from generation import NotFetched


class Settings(commands.Cog):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @app_commands.command(name="settings", description=labels.COMMANDS["settings"])
    async def settings(self, interaction: Interaction) -> None:
        defaults = await self._desk.studio.recipes.defaults(viewer_of(interaction))
        await whisper(interaction, **settings_message(defaults))

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        if (typed := read_settings_modal(interaction)) is not None:
            await answered(interaction, self._keep(interaction, typed))

    async def _keep(self, interaction: Interaction, typed: Mapping[str, str]) -> None:
        """Keep what was typed beside what the modal did not ask for, and show it. Raises InvalidRequest."""
        await take_note(interaction)
        recipes, viewer = self._desk.studio.recipes, viewer_of(interaction)
        defaults = self._read(await recipes.defaults(viewer), typed)
        if defaults.model is not None and not await recipes.is_here(defaults.model):
            raise NotFetched(defaults.model)
        await self._desk.preferences.put(viewer, defaults)
        await interaction.edit_original_response(**settings_message(defaults))

    def _read(self, defaults: Defaults, typed: Mapping[str, str]) -> Defaults:
        """`defaults` with what was typed. Raises InvalidRequest."""
        catalogue, styles = self._desk.studio.catalogue, self._desk.studio.styles
        changes: dict[str, Any] = {
            name: typed[name].strip() or None
            for name in ("model", "style", "size", "scheduler", "negative_prompt")
            if name in typed
        }
        model = catalogue.get(changes.get("model", defaults.model) or "", catalogue.find(None))
        if "steps" in typed:
            steps = read_number("num_inference_steps", typed["steps"], model.steps, whole=True)
            changes["num_inference_steps"] = steps
        if "guidance" in typed:
            changes["guidance_scale"] = read_number("guidance_scale", typed["guidance"], model.guidance)
        if "count" in typed:
            changes["count"] = int(typed["count"]) if typed["count"] else None
        if "private" in typed:
            changes["private"] = typed["private"] == wording.YES if typed["private"] else None
        return defaults.changed(changes, catalogue=catalogue, styles=styles)
