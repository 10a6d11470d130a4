"""Sheets of comparisons: asked, drawing, delivered; and the generations that are their cells."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import aiosqlite

_QUESTIONS = 20  # of one member that are kept; their buttons go on working


class SheetState(StrEnum):
    """How far a sheet is."""

    ASKED = "asked"  # the cost was told; nothing is charged or queued
    DRAWING = "drawing"
    DELIVERED = "delivered"


@dataclass(frozen=True, kw_only=True)
class SheetRow:
    """One sheet; where it goes is known once it is said yes to."""

    id: str  # short, unguessable
    member_id: int
    guild_id: int | None  # None in a direct message
    private: bool  # shown to its member alone
    plan: str  # JSON: what is compared, with the recipe of each cell
    state: SheetState = SheetState.ASKED
    asked_at: float  # seconds since the epoch, as every time here
    application_id: int | None = None  # with the token, the address of an interaction's answer
    interaction_token: str | None = None  # a secret; blanked when no longer needed
    interaction_expires_at: float | None = None
    channel_id: int | None = None
    waiting_message_id: int | None = None  # the bot's message that asked, and tells how far it is
    ephemeral: bool = False  # only its member may see it
    route: str | None = None  # how it got there: channel, interaction, direct or history
    message_id: int | None = None  # the sheet, where it is a message
    delivered_at: float | None = None
    noted_at: float | None = None  # when its member was told that its pictures wait in the history


async def insert(connection: aiosqlite.Connection, row: SheetRow) -> None:
    """Record a question; of each member the last ones are kept. Raises RuleBroken for a used id."""
    await connection.execute_fetchall(
        """
        INSERT INTO sheets (
            id, member_id, guild_id, private, plan, state, asked_at,
            application_id, interaction_token, interaction_expires_at, channel_id, waiting_message_id, ephemeral,
            route, message_id, delivered_at, noted_at
        ) VALUES (
            :id, :member_id, :guild_id, :private, :plan, :state, :asked_at,
            :application_id, :interaction_token, :interaction_expires_at, :channel_id, :waiting_message_id,
            :ephemeral, :route, :message_id, :delivered_at, :noted_at
        )
        """,
        asdict(row),
    )
    await connection.execute_fetchall(
        """
        DELETE FROM sheets WHERE id IN (
            SELECT id FROM sheets WHERE member_id = :member_id AND state = 'asked'
            ORDER BY asked_at DESC LIMIT -1 OFFSET :kept
        )
        """,
        {"member_id": row.member_id, "kept": _QUESTIONS},
    )


async def find(connection: aiosqlite.Connection, sheet_id: str) -> SheetRow | None:
    rows = await connection.execute_fetchall("SELECT * FROM sheets WHERE id = :id", {"id": sheet_id})
    return next(map(_read, rows), None)


async def begin(
    connection: aiosqlite.Connection,
    sheet_id: str,
    *,
    application_id: int | None,
    interaction_token: str | None,
    interaction_expires_at: float | None,
    channel_id: int | None,
    waiting_message_id: int | None,
    ephemeral: bool,
) -> bool:
    """Set a sheet drawing and record where it has to go; False if that was done before, or it is gone."""
    rows = await connection.execute_fetchall(
        """
        UPDATE sheets SET
            state = 'drawing', application_id = :application_id, interaction_token = :interaction_token,
            interaction_expires_at = :interaction_expires_at, channel_id = :channel_id,
            waiting_message_id = :waiting_message_id, ephemeral = :ephemeral
        WHERE id = :id AND state = 'asked'
        RETURNING 1
        """,
        {
            "id": sheet_id,
            "application_id": application_id,
            "interaction_token": interaction_token,
            "interaction_expires_at": interaction_expires_at,
            "channel_id": channel_id,
            "waiting_message_id": waiting_message_id,
            "ephemeral": ephemeral,
        },
    )
    return any(True for _ in rows)


async def put_cells(connection: aiosqlite.Connection, sheet_id: str, generation_ids: Sequence[str]) -> None:
    """Record the generations that a sheet shows, cell 1 first. Raises RuleBroken if one is not recorded."""
    for number, generation_id in enumerate(generation_ids, start=1):
        await connection.execute_fetchall(
            """
            INSERT INTO cells (generation_id, sheet_id, number) VALUES (:generation_id, :sheet_id, :number)
            """,
            {"generation_id": generation_id, "sheet_id": sheet_id, "number": number},
        )


async def cells(connection: aiosqlite.Connection, sheet_id: str) -> dict[int, str]:
    """Number -> generation, in their order; one that was deleted is not there."""
    rows = await connection.execute_fetchall(
        "SELECT number, generation_id FROM cells WHERE sheet_id = :id ORDER BY number", {"id": sheet_id}
    )
    return {int(number): generation_id for number, generation_id in rows}


async def drawing(connection: aiosqlite.Connection) -> list[str]:
    """The sheets that were said yes to and are not delivered, the oldest first."""
    rows = await connection.execute_fetchall("SELECT id FROM sheets WHERE state = 'drawing' ORDER BY asked_at, id")
    return [sheet_id for (sheet_id,) in rows]


async def mark_delivered(
    connection: aiosqlite.Connection, sheet_id: str, *, route: str, message_id: int | None, at: float
) -> bool:
    """Record that and how a sheet was handed over, and blank its token; False if it was not due."""
    rows = await connection.execute_fetchall(
        """
        UPDATE sheets SET
            state = 'delivered', route = :route, message_id = :message_id, delivered_at = :at,
            interaction_token = NULL, interaction_expires_at = NULL
        WHERE id = :id AND state = 'drawing'
        RETURNING 1
        """,
        {"id": sheet_id, "route": route, "message_id": message_id, "at": at},
    )
    return any(True for _ in rows)


async def delete(connection: aiosqlite.Connection, sheet_id: str, *, asked: bool) -> bool:
    """Remove a sheet that is only `asked`, or else one that is more; its generations stay. False for none."""
    rows = await connection.execute_fetchall(
        "DELETE FROM sheets WHERE id = :id AND (state = 'asked') = :asked RETURNING 1",
        {"id": sheet_id, "asked": asked},
    )
    return any(True for _ in rows)


def _read(row: aiosqlite.Row) -> SheetRow:
    flags = {name: bool(row[name]) for name in ("private", "ephemeral")}
    return SheetRow(**{**dict(row), "state": SheetState(row["state"])} | flags)
