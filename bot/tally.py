"""What has happened since the start, in numbers, for whoever watches over the bot; about nobody in particular."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Tally:
    """Counts that only ever grow; a restart begins anew."""

    jobs: Counter[str] = field(default_factory=Counter)  # by their end: finished, failed, cancelled
    drawing_seconds: float = 0.0  # of compute, of jobs that ended
    deliveries: Counter[str] = field(default_factory=Counter)  # by their route
