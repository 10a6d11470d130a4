"""What members have left of their allowance, on record; each change is part of its caller's transaction."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import db
from generation import Allowance, Balance, Job


@dataclass(frozen=True, kw_only=True)
class AllowanceState:
    """What a member has left of `capacity` seconds of compute; nothing is missing at `full_at` (epoch seconds)."""

    left: float
    capacity: float
    per_hour: float
    full_at: float | None


class Accounts:
    """Members' balances under the `usual` allowance, which holds where no server has another one.

    What is missing of it is the same number of seconds under every allowance, so that what was spent in one server
    counts in all of them. It comes back by the allowance of the place where the next job is asked for.
    """

    def __init__(self, *, usual: Allowance, clock: Callable[[], float]) -> None:
        self.usual = usual
        self._clock = clock

    async def charge(self, connection: db.Connection, allowance: Allowance, *jobs: Job) -> float:
        """Charge one member for `jobs` of one moment; returns what is left. Raises AllowanceSpent."""
        member, now = jobs[0].member, jobs[0].created_at
        cost = sum(job.cost for job in jobs)
        balance = allowance.spent(await self._balance(connection, member, allowance), cost, now)
        await self._put(connection, member, balance, allowance)
        for job in jobs:
            row = db.ChargeRow(generation_id=job.id, member_id=member, amount=job.cost, charged_at=now)
            await db.allowances.charge(connection, row)
        return balance.left

    async def settle(self, connection: db.Connection, job: Job, *, used: float) -> None:
        """Give back what a job did not use of its charge, once; of a job that nobody was charged for, nothing."""
        unused = job.cost - used
        if await db.allowances.settle(connection, job.id, unused, self._clock()) is not None:
            balance = await self._balance(connection, job.member, self.usual)
            await self._put(connection, job.member, self.usual.refunded(balance, unused), self.usual)

    async def spend(self, connection: db.Connection, member_id: int, seconds: float) -> None:
        """Take `seconds` of compute off an allowance, as far as they are left."""
        balance = self.usual.refilled(await self._balance(connection, member_id, self.usual), self._clock())
        left = balance.left - min(seconds, max(0.0, balance.left))
        await self._put(connection, member_id, replace(balance, left=left), self.usual)

    async def check(self, connection: db.Connection, allowance: Allowance, member_id: int, cost: float) -> None:
        """Raises AllowanceSpent where `cost` seconds of compute would not be granted now; nothing is charged."""
        allowance.spent(await self._balance(connection, member_id, allowance), cost, self._clock())

    async def state(self, connection: db.Connection, allowance: Allowance, member_id: int) -> AllowanceState:
        """What a member may spend under an allowance."""
        balance = allowance.refilled(await self._balance(connection, member_id, allowance), self._clock())
        return AllowanceState(
            left=max(0.0, balance.left),
            capacity=allowance.capacity,
            per_hour=allowance.per_hour,
            full_at=allowance.full_at(balance),
        )

    async def _balance(self, connection: db.Connection, member_id: int, allowance: Allowance) -> Balance:
        """A member's balance as it is under `allowance`."""
        balance = await self._recorded(connection, member_id)
        return replace(balance, left=balance.left + allowance.capacity - self.usual.capacity)

    async def _recorded(self, connection: db.Connection, member_id: int) -> Balance:
        """A member's balance under the usual allowance, as which it is on record."""
        row = await db.allowances.find(connection, member_id)
        if row is not None:
            return Balance(left=row.balance, at=row.updated_at)
        erased = await db.tombstones.find(connection, member_id)
        if erased is not None and erased.balance is not None and erased.balance_at is not None:
            return Balance(left=erased.balance, at=erased.balance_at)
        return self.usual.full(self._clock())

    async def _put(
        self, connection: db.Connection, member_id: int, balance: Balance, allowance: Allowance
    ) -> None:
        """Record a balance as it is under `allowance`."""
        left = balance.left - allowance.capacity + self.usual.capacity
        row = db.AllowanceRow(member_id=member_id, balance=left, updated_at=balance.at)
        await db.allowances.put(connection, row)
