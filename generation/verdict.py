"""Whether a recipe that is drawn again gives the same picture: what was there then against what is there now."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from generation.recipe import Environment


class Sameness(IntEnum):
    """How much alike two drawings of one recipe are; the larger number is the worse."""

    SAME = 0  # to the bit
    NEARLY = 1  # to the eye
    NOT = 2


class Aspect(StrEnum):
    """What can differ between two drawings of one recipe."""

    MODEL = "model"  # other weights
    ADAPTER = "adapter"  # a LoRA or an embedding is another one, is gone or was not there
    DEVICE = "device"
    DTYPE = "dtype"
    THREADS = "threads"
    PLACEMENT = "placement"  # how the model stood in memory
    BATCH_SIZE = "batch_size"
    LIBRARY = "library"
    WATERMARK = "watermark"
    UNRECORDED = "unrecorded"  # nothing on record, but the pictures themselves do


_DECISIVE = frozenset({Aspect.MODEL, Aspect.ADAPTER})


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that is not as it was, `name` the adapter's or library's; None is none at all."""

    aspect: Aspect
    name: str = ""
    then: str | None = None
    now: str | None = None

    @property
    def sameness(self) -> Sameness:
        return Sameness.NOT if self.aspect in _DECISIVE else Sameness.NEARLY


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How much alike, and because of what; where they are the same there is nothing in `differences`."""

    sameness: Sameness
    differences: tuple[Difference, ...] = ()

    def at_best(self, seen: Sameness) -> "Verdict":
        """The verdict once the pictures have been compared: what is `seen` can only make it worse."""
        if seen <= self.sameness:
            return self
        return Verdict(sameness=seen, differences=self.differences or (Difference(aspect=Aspect.UNRECORDED),))


def compare(then: Environment, now: Environment) -> Verdict:
    """Judge by two records of the same recipe; what decides stands first.

    Other weights give another picture. Another device, precision, number of threads or pictures at a time, or
    another version of a library, adds the same numbers in another order or to other digits: nobody sees that in
    most pictures, and nobody can promise it.
    """
    differences = tuple(sorted(_differences(then, now), key=lambda each: -each.sameness))
    return Verdict(
        sameness=max((each.sameness for each in differences), default=Sameness.SAME), differences=differences
    )


def _differences(then: Environment, now: Environment) -> Iterator[Difference]:
    if then.model_revision != now.model_revision:
        yield Difference(aspect=Aspect.MODEL, then=then.model_revision, now=now.model_revision)
    yield from _by_name(Aspect.ADAPTER, then.adapters, now.adapters)
    plain = [
        (Aspect.DEVICE, then.device, now.device),
        (Aspect.DTYPE, then.dtype, now.dtype),
        (Aspect.BATCH_SIZE, str(then.batch_size), str(now.batch_size)),
        (Aspect.WATERMARK, then.watermark, now.watermark),
    ]
    if then.placement and now.placement:  # records of earlier versions have none
        plain.append((Aspect.PLACEMENT, then.placement, now.placement))
    if then.device == now.device and then.device.startswith("cpu"):  # no other device computes in these threads
        plain.append((Aspect.THREADS, str(then.threads), str(now.threads)))
    for aspect, before, after in plain:
        if before != after:
            yield Difference(aspect=aspect, then=before, now=after)
    yield from _by_name(Aspect.LIBRARY, then.versions, now.versions)


def _by_name(aspect: Aspect, then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Difference]:
    for name in sorted({*then, *now}):
        if then.get(name) != now.get(name):
            yield Difference(aspect=aspect, name=name, then=then.get(name), now=now.get(name))
