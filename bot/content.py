"""What happens to pictures that a model's content filter flags, as the operator and moderators set it."""

from dataclasses import dataclass
from enum import StrEnum


class ContentFilter(StrEnum):
    """The setting `content_filter`."""

    REFUSE = "refuse"  # nobody gets them
    SPOILER = "spoiler"  # they are covered until somebody looks
    AGE_RESTRICTED = "age-restricted"  # they are shown in channels that Discord restricts to adults, nowhere else
    OFF = "off"  # nothing is looked at


class Showing(StrEnum):
    """How a picture is handed over."""

    PLAIN = "plain"
    COVERED = "covered"
    WITHHELD = "withheld"

    @classmethod
    def of_flagged(cls, setting: ContentFilter, *, age_restricted: bool) -> "Showing":
        """How a flagged picture is shown in a place that is `age_restricted` or not."""
        match setting:
            case ContentFilter.OFF:
                return cls.PLAIN
            case ContentFilter.SPOILER:
                return cls.COVERED
            case ContentFilter.AGE_RESTRICTED if age_restricted:
                return cls.PLAIN
            case _:
                return cls.WITHHELD


_MILDEST_FIRST = tuple(Showing)


@dataclass(frozen=True, kw_only=True)
class Display:
    """How the pictures of a server are shown: its own filter only adds to the operator's, and can lift nothing.

    `covered`: all of them are spoilers.
    """

    operator: ContentFilter
    server: ContentFilter | None = None
    covered: bool = False

    def of_flagged(self, *, age_restricted: bool) -> Showing:
        """How a flagged picture is shown in a place that is `age_restricted` or not."""
        shown = [Showing.of_flagged(each, age_restricted=age_restricted) for each in self._filters]
        strictest = max(shown, key=_MILDEST_FIRST.index)
        return Showing.COVERED if strictest is Showing.PLAIN and self.covered else strictest

    @property
    def confines(self) -> bool:
        """Whether a flagged picture is for the place that it was made for, and for no other."""
        return ContentFilter.AGE_RESTRICTED in self._filters

    @property
    def _filters(self) -> tuple[ContentFilter, ...]:
        return (self.operator,) if self.server is None else (self.operator, self.server)
