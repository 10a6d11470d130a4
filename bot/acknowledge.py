"""The first and the last word to an interaction: acknowledged in time, and never left without an answer."""

import errno
import logging
import secrets
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any

import aiohttp
import discord
from discord import app_commands

from bot import wording
from bot.errors import EaselError
from bot.post import insist, passing
from db import DatabaseError
from generation import GenerationError

log = logging.getLogger(__name__)

_HOW = "acknowledged"  # of interaction.extras: how it was, a _How
_ACKNOWLEDGED_BEFORE = 40060
_OVER = frozenset({10008, 10015, 10062, 50027})  # message, webhook, interaction unknown; token invalid


class _How(StrEnum):
    """What a member sees of an interaction that was acknowledged."""

    THINKING = "thinking"  # everybody does, until the next message
    THINKING_ALONE = "thinking_alone"
    NOTHING = "nothing"


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
    interaction.extras[_HOW] = _How.THINKING_ALONE if private else _How.THINKING
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
    interaction.extras[_HOW] = _How.NOTHING


async def whisper(
    interaction: discord.Interaction[Any],
    content: str | None = None,
    *,
    embeds: Sequence[discord.Embed] = (),
    files: Sequence[discord.File] = (),
    view: discord.ui.View | discord.ui.LayoutView | None = None,
) -> None:
    """Answer for the member's eyes alone, whatever the interaction was answered with so far."""
    options: dict[str, Any] = {"files": list(files), "ephemeral": True}
    if embeds:
        options["embeds"] = list(embeds)
    if content is not None:
        options["content"] = content
    if view is not None:
        options["view"] = view
    how = interaction.extras.get(_HOW)
    if how is None and not interaction.response.is_done():
        await interaction.response.send_message(**options)
        return
    if how is _How.THINKING:
        # What follows a public "is thinking" would be public as well: it has to go first.
        with suppress(discord.NotFound):  # a moderator was quicker
            await insist(interaction.delete_original_response)
    interaction.extras[_HOW] = _How.NOTHING
    await interaction.followup.send(**options)


async def answered(interaction: discord.Interaction[Any], work: Awaitable[None]) -> None:
    """Await what answers an interaction; an error that ends it is what the member is told instead."""
    try:
        await work
    except Exception as error:  # noqa: BLE001  (discord.py would only log it, and the member wait in vain)
        await refuse(interaction, error)


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


def told(error: BaseException, member_id: int) -> str | None:  # noqa: PLR0911  (one return an error)
    """What a member is told about an error, or None where there is nobody left to tell; the log gets the rest."""
    match error:
        case DatabaseError():
            log.error("the records: %s", error, exc_info=error)
            return wording.notice(error)
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            log.error("the disk is full: %s", error)
            return wording.DISK_FULL
        case EaselError() | GenerationError():
            return wording.notice(error)
        case app_commands.CommandNotFound() | app_commands.CommandSignatureMismatch():
            return wording.OUTDATED_COMMAND
        case discord.HTTPException(code=code) if code in _OVER:
            log.info("an interaction of %s was over before it was answered: %s", member_id, error)
            return None
        case discord.Forbidden():
            log.info("Easel may not answer %s there: %s", member_id, error)
            return None
        case Exception() if passing(error):
            log.warning("Discord broke off while answering %s: %r", member_id, error)
            return wording.BROKEN_OFF
        case _:
            reference = secrets.token_hex(4)
            log.error("unexpected, told to its member as %s", reference, exc_info=error)
            return wording.unexpected(reference)
