"""How long drawing takes on this machine, learned from what ran."""

from dataclasses import asdict, dataclass

import aiosqlite


@dataclass(frozen=True, kw_only=True)
class RateRow:
    """The speed learned for one kind of work."""

    key: str  # names the kind of work; the caller's
    seconds_per_unit: float
    spread: float  # how far runs lay from what was expected, as a logarithm
    samples: int  # how many jobs it was learned from
    updated_at: float  # seconds since the epoch


async def put(connection: aiosqlite.Connection, row: RateRow) -> None:
    """Record a rate in place of the one before."""
    await connection.execute_fetchall(
        """
        INSERT INTO rates (key, seconds_per_unit, spread, samples, updated_at)
        VALUES (:key, :seconds_per_unit, :spread, :samples, :updated_at)
        ON CONFLICT (key) DO UPDATE SET
            seconds_per_unit = excluded.seconds_per_unit, spread = excluded.spread,
            samples = excluded.samples, updated_at = excluded.updated_at
        """,
        asdict(row),
    )


async def every(connection: aiosqlite.Connection) -> list[RateRow]:
    """All rates that were learned, the newest last."""
    rows = await connection.execute_fetchall("SELECT * FROM rates ORDER BY updated_at, key")
    return [RateRow(**dict(row)) for row in rows]
