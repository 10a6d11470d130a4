"""Pictures that wait to be put into words, and answers on their way; of one that has arrived nothing is left."""

from dataclasses import asdict, dataclass

import aiosqlite


@dataclass(frozen=True, kw_only=True)
class LookRow:
    """One picture to be described, where its answer goes, and the answer once there is one."""

    id: str
    member_id: int
    guild_id: int | None  # None in a direct message
    private: bool  # the picture is shown to its member alone, and so is what is drawn from its words
    source: str  # content hash of a source image that is this look's alone
    created_at: float  # seconds since the epoch, as every time here
    attempts: int = 0  # orders that were sent for it
    answer: str | None = None  # JSON, since `answered_at`
    answered_at: float | None = None
    seconds: float = 0.0  # of compute that its words took, charged once they have arrived
    application_id: int | None = None  # with the token, the address of an interaction's answer
    interaction_token: str | None = None  # a secret
    interaction_expires_at: float | None = None
    channel_id: int | None = None
    waiting_message_id: int | None = None  # the bot's message that the answer takes the place of
    ephemeral: bool = False  # only its member may see it


async def insert(connection: aiosqlite.Connection, row: LookRow) -> None:
    """Record a look. Raises RuleBroken for a used id."""
    await connection.execute_fetchall(
        """
        INSERT INTO looks (
            id, member_id, guild_id, private, source, created_at, attempts, answer, answered_at, seconds,
            application_id, interaction_token, interaction_expires_at, channel_id, waiting_message_id, ephemeral
        ) VALUES (
            :id, :member_id, :guild_id, :private, :source, :created_at, :attempts, :answer, :answered_at,
            :seconds, :application_id, :interaction_token, :interaction_expires_at, :channel_id,
            :waiting_message_id, :ephemeral
        )
        """,
        asdict(row),
    )


async def find(connection: aiosqlite.Connection, look_id: str) -> LookRow | None:
    rows = await connection.execute_fetchall("SELECT * FROM looks WHERE id = :id", {"id": look_id})
    return next(map(_read, rows), None)


async def every(connection: aiosqlite.Connection) -> list[LookRow]:
    """All looks whose answer has not reached its member, in the order of their asking."""
    rows = await connection.execute_fetchall("SELECT * FROM looks ORDER BY created_at, id")
    return [_read(row) for row in rows]


async def begin_attempt(connection: aiosqlite.Connection, look_id: str) -> int | None:
    """Count an attempt; returns how many there were, or None where the look is answered or gone."""
    rows = await connection.execute_fetchall(
        "UPDATE looks SET attempts = attempts + 1 WHERE id = :id AND answer IS NULL RETURNING attempts",
        {"id": look_id},
    )
    return next((int(attempts) for (attempts,) in rows), None)


async def take_back_attempt(connection: aiosqlite.Connection, look_id: str) -> None:
    """Count one attempt less, if one was counted."""
    await connection.execute_fetchall(
        "UPDATE looks SET attempts = attempts - 1 WHERE id = :id AND attempts > 0", {"id": look_id}
    )


async def answer(
    connection: aiosqlite.Connection, look_id: str, answer: str, *, seconds: float, at: float
) -> bool:
    """Record what a look is answered with, and what that took; False where it is answered already, or gone."""
    rows = await connection.execute_fetchall(
        """
        UPDATE looks SET answer = :answer, seconds = :seconds, answered_at = :at
        WHERE id = :id AND answer IS NULL
        RETURNING 1
        """,
        {"id": look_id, "answer": answer, "seconds": seconds, "at": at},
    )
    return any(True for _ in rows)


async def delete(connection: aiosqlite.Connection, look_id: str) -> LookRow | None:
    """Remove a look; returns what it was, None if it is gone."""
    rows = await connection.execute_fetchall("DELETE FROM looks WHERE id = :id RETURNING *", {"id": look_id})
    return next(map(_read, rows), None)


def _read(row: aiosqlite.Row) -> LookRow:
    return LookRow(**dict(row) | {name: bool(row[name]) for name in ("private", "ephemeral")})
