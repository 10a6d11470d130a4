"""What moderators decided for their servers, whom they blocked, and the log of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import aiosqlite

LOG_KEPT = 1000  # entries of each server


@dataclass(frozen=True, kw_only=True)
class ServerRow:
    """The rules of one server; None, or an empty list, is no rule."""

    guild_id: int
    channels: str = "[]"  # JSON: ids
    models: str = "[]"  # JSON: names
    default_model: str | None = None
    steps: int | None = None  # at most
    side: int | None = None  # pixels, at most
    words: str = "[]"  # JSON: as typed
    content_filter: str | None = None
    spoiler: bool = False
    showcase: int | None = None  # a channel's id


@dataclass(frozen=True, kw_only=True)
class ServerRoleRow:
    """A role whose members may draw; None is the operator's allowance."""

    guild_id: int
    role_id: int
    seconds: float | None = None  # of compute, at once
    per_hour: float | None = None  # seconds of compute that come back in an hour


@dataclass(frozen=True, kw_only=True)
class BlockRow:
    """A member who may not draw in one server; it outlives what else is kept about them."""

    guild_id: int
    blocked_id: int
    reason: str | None = None
    blocked_by: int | None = None  # None once that moderator is forgotten
    blocked_at: float  # seconds since the epoch


@dataclass(frozen=True, kw_only=True)
class DeedRow:
    """An entry of a server's log; `number` is given when it is recorded, and counts up."""

    number: int = 0
    guild_id: int
    at: float  # seconds since the epoch
    actor_id: int | None = None  # None once they are forgotten, and for what Easel noticed itself
    deed: str
    subject_id: int | None = None  # the member it was done to
    detail: str | None = None  # JSON


@dataclass(frozen=True, kw_only=True)
class ShowcasedRow:
    """A generation that was posted in its server's showcase, and the message that shows it there."""

    generation_id: str
    channel_id: int
    message_id: int
    shown_at: float  # seconds since the epoch


async def every(connection: aiosqlite.Connection) -> list[ServerRow]:
    rows = await connection.execute_fetchall("SELECT * FROM servers ORDER BY guild_id")
    return [ServerRow(**dict(row) | {"spoiler": bool(row["spoiler"])}) for row in rows]


async def every_role(connection: aiosqlite.Connection) -> list[ServerRoleRow]:
    rows = await connection.execute_fetchall("SELECT * FROM server_roles ORDER BY guild_id, role_id")
    return [ServerRoleRow(**dict(row)) for row in rows]


async def blocks(connection: aiosqlite.Connection, guild_id: int | None = None) -> list[BlockRow]:
    """The blocks of one server, or all there are, the oldest first."""
    rows = await connection.execute_fetchall(
        """
        SELECT * FROM server_blocks WHERE :guild_id IS NULL OR guild_id = :guild_id
        ORDER BY blocked_at, blocked_id
        """,
        {"guild_id": guild_id},
    )
    return [BlockRow(**dict(row)) for row in rows]


async def put(connection: aiosqlite.Connection, row: ServerRow) -> None:
    """Record a server's rules in place of those before."""
    await connection.execute_fetchall(
        """
        INSERT OR REPLACE INTO servers (
            guild_id, channels, models, default_model, steps, side, words, content_filter, spoiler, showcase
        ) VALUES (
            :guild_id, :channels, :models, :default_model, :steps, :side, :words, :content_filter, :spoiler,
            :showcase
        )
        """,
        asdict(row),
    )


async def put_roles(connection: aiosqlite.Connection, guild_id: int, rows: Sequence[ServerRoleRow]) -> None:
    """Record all roles of a server in place of those before."""
    await connection.execute_fetchall(
        "DELETE FROM server_roles WHERE guild_id = :guild_id", {"guild_id": guild_id}
    )
    for row in rows:
        await connection.execute_fetchall(
            """
            INSERT INTO server_roles (guild_id, role_id, seconds, per_hour)
            VALUES (:guild_id, :role_id, :seconds, :per_hour)
            """,
            asdict(row),
        )


async def block(connection: aiosqlite.Connection, row: BlockRow) -> None:
    """Record a block in place of one of the same member before."""
    await connection.execute_fetchall(
        """
        INSERT OR REPLACE INTO server_blocks (guild_id, blocked_id, reason, blocked_by, blocked_at)
        VALUES (:guild_id, :blocked_id, :reason, :blocked_by, :blocked_at)
        """,
        asdict(row),
    )


async def unblock(connection: aiosqlite.Connection, guild_id: int, blocked_id: int) -> bool:
    """Lift a block; False if there was none."""
    rows = await connection.execute_fetchall(
        "DELETE FROM server_blocks WHERE guild_id = :guild_id AND blocked_id = :blocked_id RETURNING 1",
        {"guild_id": guild_id, "blocked_id": blocked_id},
    )
    return any(True for _ in rows)


async def unended(connection: aiosqlite.Connection, guild_id: int, member_id: int) -> list[str]:
    """The generations of a member, asked for in one server, whose job waits or runs, oldest first."""
    rows = await connection.execute_fetchall(
        """
        SELECT generations.id FROM jobs JOIN generations ON generations.id = jobs.generation_id
        WHERE jobs.member_id = :member_id AND jobs.ended_at IS NULL AND generations.guild_id = :guild_id
        ORDER BY jobs.created_at, generations.id
        """,
        {"guild_id": guild_id, "member_id": member_id},
    )
    return [generation_id for (generation_id,) in rows]


async def log(connection: aiosqlite.Connection, row: DeedRow) -> None:
    """Add an entry; of each server the last `LOG_KEPT` are kept."""
    await connection.execute_fetchall(
        """
        INSERT INTO server_log (guild_id, at, actor_id, deed, subject_id, detail)
        VALUES (:guild_id, :at, :actor_id, :deed, :subject_id, :detail)
        """,
        asdict(row),
    )
    await connection.execute_fetchall(
        """
        DELETE FROM server_log WHERE number IN (
            SELECT number FROM server_log WHERE guild_id = :guild_id ORDER BY number DESC LIMIT -1 OFFSET :kept
        )
        """,
        {"guild_id": row.guild_id, "kept": LOG_KEPT},
    )


async def tally(connection: aiosqlite.Connection, row: DeedRow, *, within: float) -> None:
    """As `log`, but what the newest entry has of the same two within so many seconds is counted there.

    The detail is how often it was done, None for once.
    """
    counted = await connection.execute_fetchall(
        """
        UPDATE server_log SET at = :at, detail = CAST(CAST(coalesce(detail, '1') AS INTEGER) + 1 AS TEXT)
        WHERE number = (SELECT max(number) FROM server_log WHERE guild_id = :guild_id)
            AND deed = :deed AND actor_id = :actor_id AND subject_id = :subject_id AND at >= :at - :within
        RETURNING 1
        """,
        asdict(row) | {"within": within},
    )
    if not any(True for _ in counted):
        await log(connection, row)


async def entries(
    connection: aiosqlite.Connection,
    guild_id: int,
    *,
    older_than: int | None = None,
    newer_than: int | None = None,
    limit: int,
) -> list[DeedRow]:
    """Some entries of a log, newest first: the newest of all, those just before a number, or just after it."""
    values = {"guild_id": guild_id, "older_than": older_than, "newer_than": newer_than, "limit": limit}
    if newer_than is not None:
        rows = await connection.execute_fetchall(
            """
            SELECT * FROM (
                SELECT * FROM server_log WHERE guild_id = :guild_id AND number > :newer_than
                ORDER BY number LIMIT :limit
            ) ORDER BY number DESC
            """,
            values,
        )
    else:
        rows = await connection.execute_fetchall(
            """
            SELECT * FROM server_log
            WHERE guild_id = :guild_id AND (:older_than IS NULL OR number < :older_than)
            ORDER BY number DESC LIMIT :limit
            """,
            values,
        )
    return [DeedRow(**dict(row)) for row in rows]


async def put_showcased(connection: aiosqlite.Connection, row: ShowcasedRow) -> bool:
    """Record which message shows a generation; False if that is gone."""
    rows = await connection.execute_fetchall(
        """
        INSERT OR REPLACE INTO showcased (generation_id, channel_id, message_id, shown_at)
        SELECT :generation_id, :channel_id, :message_id, :shown_at
        WHERE EXISTS (SELECT 1 FROM generations WHERE id = :generation_id)
        RETURNING 1
        """,
        asdict(row),
    )
    return any(True for _ in rows)


async def showcased(connection: aiosqlite.Connection, generation_id: str) -> ShowcasedRow | None:
    rows = await connection.execute_fetchall(
        "SELECT * FROM showcased WHERE generation_id = :generation_id AND message_id IS NOT NULL",
        {"generation_id": generation_id},
    )
    return next((ShowcasedRow(**dict(row)) for row in rows), None)
