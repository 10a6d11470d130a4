"""Each generation's trip through the queue: queued, running, and one end of three."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import aiosqlite

from db.errors import WrongState


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """One job; its states are queued, running, finished, failed and cancelled, the last three being ends."""

    generation_id: str
    member_id: int
    state: str
    attempts: int  # orders sent for it so far
    cost: float  # predicted seconds of compute
    created_at: float  # seconds since the epoch, as every time here
    started_at: float | None = None  # of the last attempt
    ended_at: float | None = None
    seconds: float | None = None  # of compute, once it has ended
    failure_kind: str | None = None
    failure_detail: str | None = None  # for the operator


@dataclass(frozen=True, kw_only=True)
class UnendedJob:
    """A job that waits or runs, with what is needed to put it into the queue again."""

    generation_id: str
    member_id: int
    state: str  # queued or running
    attempts: int
    cost: float  # predicted seconds of compute
    created_at: float  # seconds since the epoch
    recipe: str  # JSON
    private: bool


async def insert(connection: aiosqlite.Connection, row: JobRow) -> None:
    """Record a job. Raises RuleBroken if the generation has one already, or is not recorded."""
    await connection.execute_fetchall(
        """
        INSERT INTO jobs (
            generation_id, member_id, state, attempts, cost, created_at, started_at, ended_at, seconds,
            failure_kind, failure_detail
        ) VALUES (
            :generation_id, :member_id, :state, :attempts, :cost, :created_at, :started_at, :ended_at, :seconds,
            :failure_kind, :failure_detail
        )
        """,
        asdict(row),
    )


async def find(connection: aiosqlite.Connection, generation_id: str) -> JobRow | None:
    rows = await connection.execute_fetchall("SELECT * FROM jobs WHERE generation_id = :id", {"id": generation_id})
    return next((JobRow(**dict(row)) for row in rows), None)


async def of_generations(connection: aiosqlite.Connection, generation_ids: Sequence[str]) -> dict[str, JobRow]:
    """The jobs of several generations, by generation."""
    rows = await connection.execute_fetchall(
        "SELECT * FROM jobs WHERE generation_id IN (SELECT value FROM json_each(:ids))",
        {"ids": json.dumps(list(generation_ids))},
    )
    return {row["generation_id"]: JobRow(**dict(row)) for row in rows}


async def unended(connection: aiosqlite.Connection) -> list[UnendedJob]:
    """All jobs that wait or run, oldest first."""
    rows = await connection.execute_fetchall(
        """
        SELECT
            jobs.generation_id, jobs.member_id, jobs.state, jobs.attempts, jobs.cost, jobs.created_at,
            generations.recipe, generations.private
        FROM jobs JOIN generations ON generations.id = jobs.generation_id
        WHERE jobs.ended_at IS NULL
        ORDER BY jobs.created_at, jobs.generation_id
        """
    )
    return [UnendedJob(**{**dict(row), "private": bool(row["private"])}) for row in rows]


async def begin_attempt(connection: aiosqlite.Connection, generation_id: str, at: float) -> int:
    """Set a job running and count the attempt; returns how many there were with this one.

    A running job may begin again, since its worker can be lost without a word. Raises WrongState for one that has
    ended or does not exist.
    """
    rows = await connection.execute_fetchall(
        """
        UPDATE jobs SET state = 'running', attempts = attempts + 1, started_at = :at
        WHERE generation_id = :id AND ended_at IS NULL
        RETURNING attempts
        """,
        {"id": generation_id, "at": at},
    )
    for (attempts,) in rows:
        return int(attempts)
    job = await find(connection, generation_id)
    raise WrongState(generation_id, found=None if job is None else job.state, needed="queued or running")


async def requeue(connection: aiosqlite.Connection, generation_id: str, *, counted: bool) -> bool:
    """Let a running job wait again; False if it was not running.

    Unless `counted`, its attempt is taken back: whoever stopped it, it was not the job.
    """
    rows = await connection.execute_fetchall(
        """
        UPDATE jobs SET
            state = 'queued', started_at = NULL, attempts = CASE WHEN :counted THEN attempts ELSE attempts - 1 END
        WHERE generation_id = :id AND state = 'running'
        RETURNING 1
        """,
        {"id": generation_id, "counted": counted},
    )
    return any(True for _ in rows)


async def end(
    connection: aiosqlite.Connection,
    generation_id: str,
    state: str,
    at: float,
    seconds: float | None = None,
    failure_kind: str | None = None,
    failure_detail: str | None = None,
) -> bool:
    """End a job as finished, failed or cancelled; False if it had ended before or was deleted: one end wins.

    Raises RuleBroken if `state` is no end.
    """
    rows = await connection.execute_fetchall(
        """
        UPDATE jobs SET
            state = :state, ended_at = :at, seconds = :seconds,
            failure_kind = :failure_kind, failure_detail = :failure_detail
        WHERE generation_id = :id AND ended_at IS NULL
        RETURNING 1
        """,
        {
            "id": generation_id,
            "state": state,
            "at": at,
            "seconds": seconds,
            "failure_kind": failure_kind,
            "failure_detail": failure_detail,
        },
    )
    return any(True for _ in rows)


async def served(connection: aiosqlite.Connection, since: float) -> dict[int, float]:
    """Member -> seconds of compute of the jobs that ended at `since` or later.

    Known weakness: a job deleted with its generation is forgotten here.
    """
    rows = await connection.execute_fetchall(
        """
        SELECT member_id, sum(seconds) FROM jobs
        WHERE ended_at >= :since AND seconds IS NOT NULL
        GROUP BY member_id
        """,
        {"since": since},
    )
    return {int(member_id): float(seconds) for member_id, seconds in rows}
