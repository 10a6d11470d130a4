"""Members who had everything about them erased, so that a backup from before forgets them again.

The id itself is not kept. Each tombstone has a salt of its own and a digest of salt and id: with an id in hand one
can tell whether a tombstone is its, and two tombstones tell nothing about each other. A salt for each, rather than
a key for the installation, since a tombstone then means the same in whatever database it is copied to. It is no
secret from somebody who has the file and tries every id there may be; nothing that a restore can check would be.
"""

import hashlib
import hmac
import secrets
from dataclasses import asdict, dataclass

import aiosqlite


@dataclass(frozen=True, kw_only=True)
class TombstoneRow:
    """That somebody was erased; `salt` tells this tombstone from every other one."""

    salt: bytes  # 16
    digest: bytes  # 32
    balance: float | None  # of the allowance then, in seconds of compute: being forgotten is no way to a new one
    balance_at: float | None  # seconds since the epoch, when `balance` was right
    erased_at: float  # seconds since the epoch

    def is_of(self, member_id: int) -> bool:
        return hmac.compare_digest(self.digest, _digest(self.salt, member_id))


def new(member_id: int, *, balance: float | None, balance_at: float | None, erased_at: float) -> TombstoneRow:
    """A tombstone with a salt of its own."""
    salt = secrets.token_bytes(16)
    digest = _digest(salt, member_id)
    return TombstoneRow(salt=salt, digest=digest, balance=balance, balance_at=balance_at, erased_at=erased_at)


async def insert(connection: aiosqlite.Connection, row: TombstoneRow) -> bool:
    """Record a tombstone; False if it was there."""
    rows = await connection.execute_fetchall(
        """
        INSERT INTO tombstones (salt, digest, balance, balance_at, erased_at)
        VALUES (:salt, :digest, :balance, :balance_at, :erased_at)
        ON CONFLICT (salt) DO NOTHING
        RETURNING 1
        """,
        asdict(row),
    )
    return any(True for _ in rows)


async def delete(connection: aiosqlite.Connection, row: TombstoneRow) -> None:
    """Remove a tombstone in whose place a newer one of the same member comes."""
    await connection.execute_fetchall("DELETE FROM tombstones WHERE salt = :salt", {"salt": row.salt})


async def every(connection: aiosqlite.Connection) -> list[TombstoneRow]:
    """All tombstones, the newest first."""
    rows = await connection.execute_fetchall("SELECT * FROM tombstones ORDER BY erased_at DESC, salt")
    return [TombstoneRow(**dict(row)) for row in rows]


async def find(connection: aiosqlite.Connection, member_id: int) -> TombstoneRow | None:
    """A member's newest tombstone; each one is tried."""
    return next((row for row in await every(connection) if row.is_of(member_id)), None)


def _digest(salt: bytes, member_id: int) -> bytes:
    return hmac.digest(salt, str(member_id).encode(), hashlib.sha256)
