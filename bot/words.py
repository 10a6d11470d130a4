"""The word filter: whole words, found in whatever case, width or accents they are dressed up."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u17b4\u17b5")  # letters by their category, and yet nothing is seen
_UNSEEN = frozenset({"Mn", "Me", "Cf", "Cc"})  # accents, and what is between letters without being seen
_WEIGHT = re.compile(r":\s*[\d.]+(?=\s*[)\]])")  # as in (word:1.3), which is no word between its neighbours
_PART = re.compile(r"[^\W_]+")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")  # Thai to Chinese
_SPACES = frozenset("\t\n\r\v\f")
ANY_ENDING = "*"


def plain(text: str) -> str:
    """`text` as it is compared: small letters of ordinary width, without accents and without what is not seen."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(
        character
        for character in decomposed
        if character in _SPACES or not (character in _FILLERS or unicodedata.category(character) in _UNSEEN)
    )


def parts(text: str) -> tuple[str, ...]:
    """The words of `text` as they are compared; none for what has no letter and no digit."""
    return tuple(_PART.findall(plain(text)))


def found(words: Iterable[str], texts: Sequence[str]) -> str | None:
    """The first of `words` that stands in any of `texts`; None for none.

    An entry of several words is found where they follow each other, one that ends in `*` wherever a word begins
    so, and one of a script that has no spaces between words anywhere.
    """
    spoken = [parts(_WEIGHT.sub("", text)) for text in texts]
    return next((word for word in words if any(_is_in(word, each) for each in spoken)), None)


def _is_in(word: str, text: tuple[str, ...]) -> bool:
    wanted, open_ended = parts(word), word.rstrip().endswith(ANY_ENDING)
    if not wanted:
        return False
    if _UNSPACED.search(word):
        return "".join(wanted) in "".join(text)
    for start in range(len(text) - len(wanted) + 1):
        *first, last = text[start : start + len(wanted)]
        ends = last.startswith(wanted[-1]) if open_ended else last == wanted[-1]
        if ends and tuple(first) == wanted[:-1]:
            return True
    return False
