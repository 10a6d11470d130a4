"""The trip of each result to its member, recorded apart from the job, so that an end is never mistaken for it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import aiosqlite


class DeliveryState(StrEnum):
    """How far a delivery is."""

    PENDING = "pending"
    DELIVERED = "delivered"


@dataclass(frozen=True, kw_only=True)
class DeliveryRow:
    """Where one generation's result goes, and whether it got there."""

    generation_id: str
    state: DeliveryState = DeliveryState.PENDING
    route: str | None = None  # how it got there: channel, interaction, direct or history
    application_id: int | None = None  # with the token, the address of an interaction's answer
    interaction_token: str | None = None  # a secret; blanked when no longer needed
    interaction_expires_at: float | None = None  # seconds since the epoch, as every time here
    guild_id: int | None = None
    channel_id: int | None = None
    reply_to_message_id: int | None = None  # the member's message that asked
    waiting_message_id: int | None = None  # the bot's message that tells how far it is
    ephemeral: bool = False  # only its member may see it
    message_id: int | None = None  # the result, where it is a message
    delivered_at: float | None = None
    noted_at: float | None = None  # when its member was told that it waits in the history
    notes: str = "[]"  # JSON, sentences that are told with the result


async def insert(connection: aiosqlite.Connection, row: DeliveryRow) -> None:
    """Record where a result shall go. Raises RuleBroken if that is recorded, or the generation is not."""
    await connection.execute_fetchall(
        """
        INSERT INTO deliveries (
            generation_id, state, route, application_id, interaction_token, interaction_expires_at,
            guild_id, channel_id, reply_to_message_id, waiting_message_id, ephemeral,
            message_id, delivered_at, noted_at, notes
        ) VALUES (
            :generation_id, :state, :route, :application_id, :interaction_token, :interaction_expires_at,
            :guild_id, :channel_id, :reply_to_message_id, :waiting_message_id, :ephemeral,
            :message_id, :delivered_at, :noted_at, :notes
        )
        """,
        asdict(row),
    )


async def find(connection: aiosqlite.Connection, generation_id: str) -> DeliveryRow | None:
    rows = await connection.execute_fetchall(
        "SELECT * FROM deliveries WHERE generation_id = :id", {"id": generation_id}
    )
    return next(map(_read, rows), None)


async def due(connection: aiosqlite.Connection) -> list[str]:
    """What is to be handed over and nobody was told: generations, sheets and looks; the first to end first.

    A sheet ends with the last of its cells, a look with its answer.
    """
    rows = await connection.execute_fetchall(
        """
        SELECT deliveries.generation_id AS key, jobs.ended_at AS ended_at
        FROM deliveries JOIN jobs ON jobs.generation_id = deliveries.generation_id
        WHERE deliveries.state = 'pending' AND jobs.ended_at IS NOT NULL
        UNION ALL
        SELECT sheets.id, max(jobs.ended_at)
        FROM sheets
        LEFT JOIN cells ON cells.sheet_id = sheets.id
        LEFT JOIN jobs ON jobs.generation_id = cells.generation_id
        WHERE sheets.state = 'drawing'
        GROUP BY sheets.id HAVING count(cells.generation_id) = count(jobs.ended_at)
        UNION ALL
        SELECT id, answered_at FROM looks WHERE answered_at IS NOT NULL
        ORDER BY ended_at, key
        """
    )
    return [key for key, _ in rows]


async def unended(connection: aiosqlite.Connection) -> list[DeliveryRow]:
    """Results to come: their job waits or runs, and their waiting messages can tell; the oldest first."""
    rows = await connection.execute_fetchall(
        """
        SELECT deliveries.* FROM deliveries JOIN jobs ON jobs.generation_id = deliveries.generation_id
        WHERE deliveries.state = 'pending' AND jobs.ended_at IS NULL
        ORDER BY jobs.created_at, deliveries.generation_id
        """
    )
    return [_read(row) for row in rows]


async def set_waiting_message(connection: aiosqlite.Connection, generation_id: str, message_id: int) -> None:
    """Remember the message that tells how far it is."""
    await connection.execute_fetchall(
        "UPDATE deliveries SET waiting_message_id = :message_id WHERE generation_id = :id",
        {"id": generation_id, "message_id": message_id},
    )


async def mark_delivered(
    connection: aiosqlite.Connection, generation_id: str, route: str, message_id: int | None, at: float
) -> bool:
    """Record that and how a result was handed over, and blank its token; False if it was not pending."""
    rows = await connection.execute_fetchall(
        """
        UPDATE deliveries SET
            state = 'delivered', route = :route, message_id = :message_id, delivered_at = :at,
            interaction_token = NULL, interaction_expires_at = NULL
        WHERE generation_id = :id AND state = 'pending'
        RETURNING 1
        """,
        {"id": generation_id, "route": route, "message_id": message_id, "at": at},
    )
    return any(True for _ in rows)


async def unseen(connection: aiosqlite.Connection, member_id: int) -> tuple[list[str], list[str]]:
    """What of a member's waits in the history, as no way to them was open, and they know nothing of it yet.

    Generations and sheets with pictures, and those without, but for what was cancelled.
    """
    rows = await connection.execute_fetchall(
        """
        SELECT deliveries.generation_id AS key, jobs.state = 'finished'
        FROM deliveries JOIN jobs ON jobs.generation_id = deliveries.generation_id
        WHERE deliveries.route = 'history' AND deliveries.noted_at IS NULL AND jobs.member_id = :member_id
            AND jobs.state IN ('finished', 'failed')
        UNION ALL
        SELECT id, true FROM sheets
        WHERE route = 'history' AND noted_at IS NULL AND member_id = :member_id AND EXISTS (
            SELECT 1 FROM cells JOIN jobs ON jobs.generation_id = cells.generation_id
            WHERE cells.sheet_id = sheets.id AND jobs.state = 'finished'
        )
        ORDER BY key
        """,
        {"member_id": member_id},
    )
    found = [(str(key), bool(finished)) for key, finished in rows]
    return [key for key, finished in found if finished], [key for key, finished in found if not finished]


async def note_unseen(connection: aiosqlite.Connection, keys: Sequence[str], at: float) -> None:
    """Remember that a member knows that these wait in the history."""
    values = {"keys": json.dumps(keys), "at": at}
    await connection.execute_fetchall(
        "UPDATE deliveries SET noted_at = :at WHERE generation_id IN (SELECT value FROM json_each(:keys))", values
    )
    await connection.execute_fetchall(
        "UPDATE sheets SET noted_at = :at WHERE id IN (SELECT value FROM json_each(:keys))", values
    )


def _read(row: aiosqlite.Row) -> DeliveryRow:
    return DeliveryRow(**{**dict(row), "state": DeliveryState(row["state"]), "ephemeral": bool(row["ephemeral"])})
