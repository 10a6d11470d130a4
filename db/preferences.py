"""What members set for themselves, to be taken where a request leaves something open."""

from dataclasses import asdict, dataclass

import aiosqlite


@dataclass(frozen=True, kw_only=True)
class PreferencesRow:
    """One member's own defaults; None is not set."""

    member_id: int
    model: str | None = None
    style: str | None = None
    size: str | None = None  # as typed
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    scheduler: str | None = None
    negative_prompt: str | None = None
    count: int | None = None  # 1 to 4
    private: bool | None = None


async def put(connection: aiosqlite.Connection, row: PreferencesRow) -> None:
    """Keep a member's defaults in place of those that were there."""
    await connection.execute_fetchall(
        """
        INSERT OR REPLACE INTO preferences (
            member_id, model, style, size, num_inference_steps, guidance_scale, scheduler, negative_prompt, count,
            private
        ) VALUES (
            :member_id, :model, :style, :size, :num_inference_steps, :guidance_scale, :scheduler, :negative_prompt,
            :count, :private
        )
        """,
        asdict(row),
    )


async def find(connection: aiosqlite.Connection, member_id: int) -> PreferencesRow | None:
    rows = await connection.execute_fetchall(
        "SELECT * FROM preferences WHERE member_id = :member_id", {"member_id": member_id}
    )
    return next(map(_read, rows), None)


async def delete(connection: aiosqlite.Connection, member_id: int) -> bool:
    """Forget a member's defaults; False if there were none."""
    rows = await connection.execute_fetchall(
        "DELETE FROM preferences WHERE member_id = :member_id RETURNING 1", {"member_id": member_id}
    )
    return any(True for _ in rows)


def _read(row: aiosqlite.Row) -> PreferencesRow:
    private = row["private"]
    return PreferencesRow(**dict(row) | {"private": None if private is None else bool(private)})
