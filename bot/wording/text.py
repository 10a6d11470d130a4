"""The smallest pieces of what people read: shortened, escaped, counted, timed."""

import math
from dataclasses import dataclass

from discord.utils import escape_markdown, escape_mentions

from generation import Estimate

_ABOUT = "about {time}"
_BETWEEN = "{least} to {most}"
_GUESS = "{least} to {most}, a guess until it has run here"
_SURE = 2.0  # times the least of an expected time that the most may be for one number to stand for both

CONTENT_LIMIT = 2000  # characters of a message
EMBED_LIMIT = 4096  # characters of an embed's description

_TURNS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))  # embeddings, overrides and isolates
_AND = "{names} and {last}"
_AND_OTHERS = "{names} and others"
_OR = "{names} or {last}"
_OR_ANOTHER = "{names} or another one"


@dataclass(frozen=True, kw_only=True)
class Plural:
    """What is said about a number of things, once for one and once for more; other languages inflect it."""

    one: str
    more: str

    def of(self, count: int, **values: object) -> str:
        return (self.one if count == 1 else self.more).format(count=f"{count:,}", **values)


def shorten(text: str, limit: int) -> str:
    """`text` on one line, at most `limit` characters, cut at a word where one ends near, and marked as cut.

    What would turn the words around it to be read from the right is left out.
    """
    line = " ".join(text.translate(_TURNS).split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    words = cut.rsplit(" ", 1)[0]
    return (words if len(words) > limit * 2 // 3 else cut).rstrip(" ,;:.") + "…"


def escape(text: str) -> str:
    """`text` as Discord shows it letter by letter: no formatting, no mention, no link that unfolds."""
    escaped = escape_mentions(escape_markdown(text, ignore_links=False))
    return escaped.replace("<", "\\<").replace("://", "\\://")


def quote(text: str, limit: int) -> str:
    """`text` shortened and escaped; at most three times `limit` long."""
    return escape(shorten(text, limit))


def number(value: object) -> str:
    """A number as people write it: 4,294,967,295, 0.6, 7."""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{int(value):,}" if value.is_integer() else f"{value:g}"
    return shorten(str(value), 40)


def duration(seconds: float) -> str:
    """A span of time, as exact as one cares for: "under a second", "12 s", "3 min", "2 h"."""
    if seconds < 1:
        return "under a second"
    if seconds < 100:
        return f"{math.ceil(seconds)} s"
    if seconds < 5400:
        return f"{math.ceil(seconds / 60)} min"
    return f"{math.ceil(seconds / 3600)} h"


def about(seconds: float) -> str:
    """A span of time that is a guess, so coarse that it seldom changes: "about 10 s", "about 2 min 20 s"."""
    return _ABOUT.format(time=_coarse(seconds))


def expected_time(expected: Estimate) -> str:
    """A time to come, as exact as it is known: "about 10 s", "20 s to 1 min", or a guess that says so."""
    least, most = _coarse(expected.least), _coarse(expected.most)
    if least == most or expected.most <= _SURE * expected.least:
        return about(expected.likely)
    return (_BETWEEN if expected.learned else _GUESS).format(least=least, most=most)


def _coarse(seconds: float) -> str:
    if seconds <= 60:
        return f"{max(5, 5 * math.ceil(seconds / 5))} s"
    tens = 10 * math.ceil(seconds / 10)
    if tens < 300:
        minutes, rest = divmod(tens, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return duration(seconds)


def moment(epoch: float, style: str = "R") -> str:
    """A time that Discord shows in the reader's own zone; "R" reads as in 5 minutes."""
    return f"<t:{math.ceil(epoch)}:{style}>"


def listing(names: tuple[str, ...], limit: int = 12) -> str:
    """Say "a", "a and b", "a, b and c"; of more than `limit` names only the first ones."""
    return _joined(names, limit, _AND, _AND_OTHERS)


def choice(names: tuple[str, ...], limit: int = 12) -> str:
    """Say "a", "a or b", "a, b or c"; of more than `limit` names only the first ones."""
    return _joined(names, limit, _OR, _OR_ANOTHER)


def _joined(names: tuple[str, ...], limit: int, all_of_them: str, some_of_them: str) -> str:
    if len(names) > limit:
        return some_of_them.format(names=", ".join(names[:limit]))
    if len(names) < 2:
        return "".join(names)
    return all_of_them.format(names=", ".join(names[:-1]), last=names[-1])
