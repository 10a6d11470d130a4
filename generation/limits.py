"""Allowances: a token bucket whose tokens are seconds of compute."""

from dataclasses import dataclass

from generation.errors import AllowanceSpent


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What every member may spend: at most `capacity` seconds of compute at once, `per_hour` come back an hour."""

    capacity: float
    per_hour: float

    def times(self, factor: float) -> "Allowance":
        """So many times as much, at once and in an hour."""
        return Allowance(capacity=factor * self.capacity, per_hour=factor * self.per_hour)

    def full(self, now: float) -> "Balance":
        return Balance(left=self.capacity, at=now)

    def refilled(self, balance: "Balance", now: float) -> "Balance":
        """`balance` as it is at `now`. A clock that was set back gives nothing and takes nothing."""
        hours = max(0.0, now - balance.at) / 3600
        return Balance(left=min(self.capacity, balance.left + hours * self.per_hour), at=now)

    def spent(self, balance: "Balance", cost: float, now: float) -> "Balance":
        """`balance` after spending `cost`.

        A job dearer than a full allowance is taken when the allowance is full, and leaves it in debt; otherwise
        a slow machine could never draw its largest pictures. Raises AllowanceSpent.
        """
        balance = self.refilled(balance, now)
        needed = min(cost, self.capacity)
        if balance.left < needed:
            enough_at = now + (needed - balance.left) / self.per_hour * 3600 if self.per_hour else None
            raise AllowanceSpent(cost=cost, left=max(0.0, balance.left), enough_at=enough_at)
        return Balance(left=balance.left - cost, at=now)

    def refunded(self, balance: "Balance", amount: float) -> "Balance":
        """`balance` with `amount` back; what came with time since it was right comes on top of that."""
        return Balance(left=min(self.capacity, balance.left + amount), at=balance.at)

    def full_at(self, balance: "Balance") -> float | None:
        """When nothing is missing any more, in seconds since the epoch; None if that never comes."""
        missing = self.capacity - balance.left
        if missing <= 0:
            return balance.at
        return balance.at + missing / self.per_hour * 3600 if self.per_hour else None


@dataclass(frozen=True, kw_only=True)
class Balance:
    """`left` seconds of compute at the time `at` (seconds since the epoch); negative is debt."""

    left: float
    at: float
