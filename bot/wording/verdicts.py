"""What is said about a picture that was drawn again: the same, very nearly the same, or not, and why."""

from bot.again import DrawnAgain
from bot.wording.text import listing, shorten
from generation import Aspect, Difference, Sameness

_CAUSES_SHOWN = 4
_VALUE_SHOWN = 60  # characters

_VERDICTS = {
    Sameness.SAME: "Compared with {first}: the same.",
    Sameness.NEARLY: "Compared with {first}: very nearly the same, because {causes}.",
    Sameness.NOT: "Compared with {first}: not the same, because {causes}.",
}
_CAUSES = {
    Aspect.MODEL: "the files of the model have changed",
    Aspect.ADAPTER: "the file of {name} has changed",
    Aspect.DEVICE: "it was drawn on {then} then and on {now} now",
    Aspect.DTYPE: "it was computed in {then} then and in {now} now",
    Aspect.THREADS: "the processor threads were {then} then and are {now} now",
    Aspect.PLACEMENT: "the model stood in memory as “{then}” then and as “{now}” now",
    Aspect.BATCH_SIZE: "the pictures drawn at once were {then} then and are {now} now",
    Aspect.LIBRARY: "{name} was {then} then and is {now} now",
    Aspect.WATERMARK: "the hidden watermark is another one",
    Aspect.UNRECORDED: "something has changed that is not on record",
}
_CAME = {
    Aspect.ADAPTER: "{name} was not there then",
    Aspect.LIBRARY: "{name} did not take part then",
}
_WENT = {
    Aspect.ADAPTER: "{name} is not there now",
    Aspect.LIBRARY: "{name} does not take part now",
}


def verdict(again: DrawnAgain) -> str:
    """One sentence without formatting; where it is not the same, only what decides that is named."""
    found = again.verdict
    decisive = [each for each in found.differences if each.sameness is found.sameness]
    causes = tuple(map(_cause, decisive or found.differences))
    return _VERDICTS[found.sameness].format(first=again.first_id, causes=listing(causes, _CAUSES_SHOWN))


def _cause(difference: Difference) -> str:
    aspect = difference.aspect
    template = _CAUSES[aspect]
    if difference.then is None:
        template = _CAME.get(aspect, template)
    elif difference.now is None:
        template = _WENT.get(aspect, template)
    values = {"name": difference.name, "then": difference.then or "", "now": difference.now or ""}
    return template.format(**{name: shorten(value, _VALUE_SHOWN) for name, value in values.items()})
