"""Rate limits: buckets of requests, and the headers that tell the client of them."""

import hashlib
import time
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limit:
    """So many requests in so many seconds of real time."""

    requests: int
    seconds: float


ROOMY = Limit(requests=50, seconds=1.0)
# Discord does not publish its numbers; these are what its headers commonly say for these routes.
LIKE_DISCORD: dict[tuple[str, str], Limit] = {
    ("POST", "/channels/{channel_id}/messages"): Limit(requests=5, seconds=5.0),
    ("PATCH", "/channels/{channel_id}/messages/{message_id}"): Limit(requests=5, seconds=5.0),
    ("DELETE", "/channels/{channel_id}/messages/{message_id}"): Limit(requests=5, seconds=1.0),
    ("GET", "/channels/{channel_id}/messages/{message_id}"): Limit(requests=50, seconds=10.0),
    ("POST", "/webhooks/{webhook_id}/{webhook_token}"): Limit(requests=5, seconds=2.0),
    ("PATCH", "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"): Limit(requests=5, seconds=2.0),
    ("PATCH", "/webhooks/{webhook_id}/{webhook_token}/messages/@original"): Limit(requests=5, seconds=2.0),
}
# Parts of a path that have a bucket of their own each.
MAJOR = ("channel_id", "guild_id", "webhook_id", "webhook_token")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a bucket stands after one request; `refused` when that request was one too many."""

    bucket: str
    limit: Limit
    remaining: int
    reset_after: float
    refused: bool

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit.requests),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": f"{time.time() + self.reset_after:.3f}",
            "X-RateLimit-Reset-After": f"{self.reset_after:.3f}",
            "X-RateLimit-Bucket": self.bucket,
        }


class Limits:
    """Counts requests by bucket and major parameters, in real time, since it is the client who sleeps on it."""

    def __init__(self, table: dict[tuple[str, str], Limit] | None = None) -> None:
        self._table = {} if table is None else table
        self._windows: dict[tuple[str, ...], tuple[float, int]] = {}

    def count(self, method: str, template: str, path: dict[str, str]) -> Standing:
        limit = self._table.get((method, template), ROOMY)
        bucket = hashlib.sha256(f"{method} {template}".encode()).hexdigest()[:32]
        key = (bucket, *(path.get(name, "") for name in MAJOR))
        now = time.monotonic()
        start, used = self._windows.get(key, (now, 0))
        if now - start >= limit.seconds:
            start, used = now, 0
            self._forget_old(now)
        refused = used >= limit.requests
        used = min(used + 1, limit.requests)
        self._windows[key] = (start, used)
        return Standing(
            bucket=bucket,
            limit=limit,
            remaining=limit.requests - used,
            reset_after=max(0.001, start + limit.seconds - now),
            refused=refused,
        )

    def _forget_old(self, now: float) -> None:
        longest = max((limit.seconds for limit in self._table.values()), default=ROOMY.seconds)
        stale = [key for key, (start, _) in self._windows.items() if now - start > longest]
        for key in stale:
            del self._windows[key]
