"""Where memory ran out on this machine, so that it is not tried in that way again."""

from dataclasses import asdict, dataclass

import aiosqlite


@dataclass(frozen=True, kw_only=True)
class ShortageRow:
    """One way to draw for which memory was too little; the first five say what way, and are the caller's."""

    model: str
    revision: str  # of the model's files
    place: str  # the device, and how much of it may be taken
    need: str  # JSON
    step: str  # of the ladder of memory
    job: str | None  # the generation that was being drawn, None for none that there is
    at: float  # seconds since the epoch, the last time


async def put(connection: aiosqlite.Connection, row: ShortageRow) -> None:
    """Record a shortage in place of the same one before. A generation that is gone by now is not named."""
    await connection.execute_fetchall(
        """
        INSERT INTO shortages (model, revision, place, need, step, job, at)
        VALUES (
            :model, :revision, :place, :need, :step, (SELECT id FROM generations WHERE id = :job), :at
        )
        ON CONFLICT (model, revision, place, need, step) DO UPDATE SET job = excluded.job, at = excluded.at
        """,
        asdict(row),
    )


async def of_model(connection: aiosqlite.Connection, model: str, *, since: float) -> list[ShortageRow]:
    """The shortages of `since` or later with a model, the newest last."""
    rows = await connection.execute_fetchall(
        "SELECT * FROM shortages WHERE model = :model AND at >= :since ORDER BY at, need, step",
        {"model": model, "since": since},
    )
    return [ShortageRow(**dict(row)) for row in rows]


async def forget(connection: aiosqlite.Connection, *, before: float) -> None:
    """Remove what was recorded before a time."""
    await connection.execute_fetchall("DELETE FROM shortages WHERE at < :before", {"before": before})
