"""The word filter: whole words, found in whatever case, width or accents they are dressed up.

What is not seen leaves a seam in a text, and so does the place where letters meet a digit or another sign that
models read by itself: a seam may run through a word, and a word may end at one.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

ANY_ENDING = "*"
_SEAM = "~"
_UNSEEN = frozenset({"Cf", "Cc"})
_BLANKS = re.compile(  # letters and marks by their category, and yet nothing is seen
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_JOINERS = frozenset("\u200c\u200d")  # part of how a word is spelt, in Hindi or Persian
_ACCENTED = frozenset({"LATIN", "GREEK", "CYRILLIC"})  # scripts whose marks do not make another letter
_POINTS = range(10, 37)  # combining classes of Hebrew and Arabic vowels, which are seldom written
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")  # Thai to Chinese
_MARKS = "".join(sign for sign in map(chr, range(0x0E00, 0x3100)) if unicodedata.category(sign)[0] == "M")


def parts(text: str) -> tuple[str, ...]:
    """The words of `text` as they are compared; none for what has no letter and no digit."""
    return tuple(_plain(text).replace(_SEAM, "").split())


@lru_cache(maxsize=1000)
def sought(word: str) -> re.Pattern[str] | None:
    """What finds an entry of the filter, the same however it is typed; None for one without letter and digit."""
    wanted = parts(word)
    if not wanted:
        return None
    if _UNSPACED.search(word):
        return re.compile(f"[ {_SEAM}]*".join("".join(wanted)) + f"(?![{_MARKS}])")
    several = f"[ {_SEAM}]+".join(f"{_SEAM}*".join(each) for each in wanted)
    end = "" if word.rstrip().endswith(ANY_ENDING) else f"(?![^ {_SEAM}])"
    return re.compile(f"(?<![^ {_SEAM}]){several}{end}")


def found(words: Iterable[str], texts: Sequence[str]) -> str | None:
    """The first of `words` that stands in any of `texts`; None for none.

    An entry of several words is found where they follow each other, one that ends in `*` wherever a word begins
    so, and one of a script that has no spaces between words anywhere.
    """
    plain = [_plain(text) for text in texts]
    wanted = ((word, sought(word)) for word in words)
    return next((word for word, it in wanted if it is not None and any(map(it.search, plain))), None)


def _plain(text: str) -> str:
    """`text` as it is compared: small letters of ordinary width without accents, digits, seams and spaces."""
    read: list[str] = []
    before = script = ""  # the kind of character that came before, and what the last letter belongs to
    for character in text:
        category = unicodedata.category(character)
        kind = category[0]
        if _BLANKS.match(character) or (category in _UNSEEN and not character.isspace()):
            if character not in _JOINERS or script in _ACCENTED:
                read.append(_SEAM)
            continue
        if kind not in {before, "M"}:
            read.append(_SEAM)
            before = kind
        for sign in unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold()):
            match unicodedata.category(sign)[0]:
                case "L":
                    read.append(sign)
                    script = unicodedata.name(sign, "").partition(" ")[0]
                case "N":
                    read.append(sign)
                case "M":
                    if _makes_another(sign, script):
                        read.append(sign)
                case _:
                    read.append(" ")
                    script = ""
    return unicodedata.normalize("NFC", "".join(read))


def _makes_another(mark: str, script: str) -> bool:
    """Whether a letter of `script` is another one with this mark, a vowel of Hindi for one, unlike an accent."""
    own = script != "" and script not in _ACCENTED and script in unicodedata.name(mark, "")
    return own and unicodedata.combining(mark) not in _POINTS
