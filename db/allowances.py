"""What members may still spend, and what each generation was charged. The arithmetic is the caller's."""

from dataclasses import asdict, dataclass

import aiosqlite


@dataclass(frozen=True, kw_only=True)
class AllowanceRow:
    """A member's balance at one time."""

    member_id: int
    balance: float  # seconds of compute; negative is debt
    updated_at: float  # seconds since the epoch, when `balance` was right


@dataclass(frozen=True, kw_only=True)
class ChargeRow:
    """What one generation was charged; it outlives the generation."""

    generation_id: str
    member_id: int
    amount: float  # seconds of compute
    refunded: float = 0.0  # of `amount`, 0 to all of it
    charged_at: float  # seconds since the epoch
    settled_at: float | None = None  # when it became final


async def find(connection: aiosqlite.Connection, member_id: int) -> AllowanceRow | None:
    """A member's allowance; None for one who never spent anything."""
    rows = await connection.execute_fetchall(
        "SELECT * FROM allowances WHERE member_id = :member_id", {"member_id": member_id}
    )
    return next((AllowanceRow(**dict(row)) for row in rows), None)


async def put(connection: aiosqlite.Connection, row: AllowanceRow) -> None:
    """Record a member's allowance in place of the one before."""
    await connection.execute_fetchall(
        """
        INSERT INTO allowances (member_id, balance, updated_at) VALUES (:member_id, :balance, :updated_at)
        ON CONFLICT (member_id) DO UPDATE SET balance = excluded.balance, updated_at = excluded.updated_at
        """,
        asdict(row),
    )


async def set_back(connection: aiosqlite.Connection, now: float) -> None:
    """Have no balance be of a time that is still to come."""
    await connection.execute_fetchall(
        "UPDATE allowances SET updated_at = :now WHERE updated_at > :now", {"now": now}
    )


async def charge(connection: aiosqlite.Connection, row: ChargeRow) -> None:
    """Record a charge. Raises RuleBroken if the generation was charged before."""
    await connection.execute_fetchall(
        """
        INSERT INTO charges (generation_id, member_id, amount, refunded, charged_at, settled_at)
        VALUES (:generation_id, :member_id, :amount, :refunded, :charged_at, :settled_at)
        """,
        asdict(row),
    )


async def settle(
    connection: aiosqlite.Connection, generation_id: str, refund: float, at: float
) -> ChargeRow | None:
    """Make a charge final, `refund` of it going back; None if it was final before or never made.

    Whoever gets the row adds `refund` to the balance in the same transaction, and nobody else does. Raises
    RuleBroken unless 0 <= refund <= amount.
    """
    rows = await connection.execute_fetchall(
        """
        UPDATE charges SET refunded = :refund, settled_at = :at
        WHERE generation_id = :id AND settled_at IS NULL
        RETURNING *
        """,
        {"id": generation_id, "refund": refund, "at": at},
    )
    return next((ChargeRow(**dict(row)) for row in rows), None)
