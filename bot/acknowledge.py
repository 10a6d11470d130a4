"""The first and the last word to an interaction: acknowledged in time, and never left without an answer."""

import logging
import secrets
from collections.abc import Sequence
from typing import Any

import aiohttp
import discord
from discord import app_commands

from bot import wording
from bot.errors import EaselError
from bot.post import insist
from db import DatabaseError
from generation import GenerationError

log = logging.getLogger(__name__)

_THINKING = "thinking"  # of interaction.extras: "public" or "private" until the thought is answered
_ACKNOWLEDGED_BEFORE = 40060
_OVER = frozenset({10008, 10015, 10062, 50027})  # message, webhook, interaction unknown; token invalid


async def think(interaction: discord.Interaction[Any], *, private: bool) -> int:
    """Tell Discord that an answer will come, for everybody or for the member alone.

    Returns the id of the message that stands for it. Raises discord.HTTPException where it came too late.
    """
    message_id = None
    try:
        answer = await insist(lambda: interaction.response.defer(ephemeral=private, thinking=True))
        message_id = None if answer is None else answer.message_id
    except discord.HTTPException as error:
        # A connection that broke off after Discord had understood: the repetition comes second.
        if error.code != _ACKNOWLEDGED_BEFORE:
            raise
    interaction.extras[_THINKING] = "private" if private else "public"
    if message_id is None:
        message_id = (await insist(interaction.original_response)).id
    return message_id


async def take_note(interaction: discord.Interaction[Any]) -> None:
    """Acknowledge a button or a modal whose effect is seen elsewhere, or later on its own message."""
    try:
        await insist(interaction.response.defer)
    except discord.HTTPException as error:
        if error.code != _ACKNOWLEDGED_BEFORE:
            raise


async def whisper(
    interaction: discord.Interaction[Any],
    content: str | None = None,
    *,
    embeds: Sequence[discord.Embed] = (),
    files: Sequence[discord.File] = (),
    view: discord.ui.View | None = None,
) -> None:
    """Answer for the member's eyes alone, whatever the interaction was answered with so far."""
    options: dict[str, Any] = {"embeds": list(embeds), "files": list(files), "ephemeral": True}
    if view is not None:
        options["view"] = view
    if not interaction.response.is_done() and _THINKING not in interaction.extras:
        await interaction.response.send_message(content, **options)
        return
    if interaction.extras.pop(_THINKING, None) == "public":
        # What follows a public "is thinking" would be public as well: it has to go first.
        await insist(interaction.delete_original_response)
    await interaction.followup.send(**({} if content is None else {"content": content}), **options)


async def refuse(interaction: discord.Interaction[Any], error: BaseException) -> None:
    """Tell the member in one sentence what went wrong, and the log whatever a member cannot have caused."""
    if isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    text = told(error, interaction.user.id)
    if text is None:
        return
    try:
        await whisper(interaction, text)
    except (discord.HTTPException, discord.InteractionResponded, aiohttp.ClientError, OSError) as fault:
        log.info("a refusal did not reach its member: %r", fault)


def told(error: BaseException, member_id: int) -> str | None:
    """What a member is told about an error, or None where there is nobody left to tell; the log gets the rest."""
    match error:
        case DatabaseError():
            log.error("the records: %s", error, exc_info=error)
            return wording.notice(error)
        case EaselError() | GenerationError():
            return wording.notice(error)
        case app_commands.CommandNotFound() | app_commands.CommandSignatureMismatch():
            return wording.OUTDATED_COMMAND
        case discord.HTTPException(code=code) if code in _OVER:
            log.info("an interaction of %s was over before it was answered: %s", member_id, error)
            return None
        case _:
            reference = secrets.token_hex(4)
            log.error("unexpected, told to its member as %s", reference, exc_info=error)
            return wording.unexpected(reference)
