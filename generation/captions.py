"""What captioners say of a picture, made into prompts: no talk about pictures, nothing twice, words alone."""

import re
from collections.abc import Iterable

CAPTIONS = 4  # of one picture, at most
_LIMIT = 300  # characters of one
_BRACKETED = re.compile(r"\[[^\]]*\]|<[^>]*>")  # tokens that are no words
_STRANGE = re.compile(r"[^\w\s',.&%-]|_")
_APART = re.compile(r"\s+(?=[,.%])|\s*(?<=')\s+(?=(?:s|t|re|ve|ll|d|m)\b)|\s+(?='\s*(?:s|t|re|ve|ll|d|m)\b)")
_OPENING = re.compile(
    r"^(?:(?:this|that|it|here|there)(?:'s| is| are)\b\s*)?"
    r"(?:(?:an?\s+|the\s+)?(?:picture|image|photo|photograph)s?\s+(?:of|showing)\b\s*)?",
    re.IGNORECASE,
)
_NO_WORD = re.compile(r"\b(?:an?\s+)?araff?(?:ed|y)\s+", re.IGNORECASE)  # BLIP has it of its own, before a thing
_NO_THING = re.compile(r"\baraff?es?\b", re.IGNORECASE)  # the same in the place of a thing
_TWO_ARTICLES = re.compile(r"\b(?:an?|the)\s+(?=(?:an?|the)\s)", re.IGNORECASE)
_AGAIN = re.compile(r"\b(\w[\w' -]*?)(?:,? (?:and )?\1\b)+", re.IGNORECASE)
_CUT_OFF = re.compile(
    r"(?:[\s,.&'-]|(?<!\S)(?:and|or|with|of|an?|the|at|by|from|its|his|her|their|is|are|that))$", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d]{2}")


def clean(caption: str) -> str:
    """`caption` as a prompt, empty where nothing of it is one."""
    # 1. Words alone
    words = " ".join(_STRANGE.sub(" ", _BRACKETED.sub(" ", caption[: 4 * _LIMIT])).split())[:_LIMIT]
    if _NO_THING.search(words):
        return ""
    # 2. What is shown, not that it is shown; nothing twice, and no beginning of what was cut off
    before = None
    while words != before:
        before = words
        words = _NO_WORD.sub("a ", _OPENING.sub("", _APART.sub("", words).lstrip(" ,.&%'-")))
        words = _CUT_OFF.sub("", _AGAIN.sub(r"\1", _TWO_ARTICLES.sub("", words)))
    return words if _WORD.search(words) else ""


def prompts(captions: Iterable[str], limit: int = CAPTIONS) -> tuple[str, ...]:
    """The first `limit` of `captions` that are prompts and differ, in their order."""
    different: dict[str, str] = {}
    for caption in captions:
        if prompt := clean(caption):
            different.setdefault(prompt.casefold(), prompt)
    return tuple(different.values())[:limit]
