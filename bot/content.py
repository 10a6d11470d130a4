"""What happens to pictures that a model's content filter flags, as the operator has set it."""

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
