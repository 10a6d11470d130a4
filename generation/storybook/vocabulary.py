"""The storybook's tokenizer: CLIP's byte-pair form with a small vocabulary of its own.

Each word that a caption can hold is one token; any other word falls apart into letters and longer pieces.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer

START = "<|startoftext|>"
END = "<|endoftext|>"
LENGTH = 40
WORD_END = "</w>"


def learn_merges(words: tuple[str, ...]) -> list[tuple[str, str]]:
    """Byte-pair merges that join each of the words into one piece, the commonest pair first.

    Pairs that are equally common are taken by the alphabet, so that every process learns the same.
    """
    spelt = [[*word[:-1], f"{word[-1]}{WORD_END}"] for word in sorted(words)]
    merges: list[tuple[str, str]] = []
    while True:
        pairs = Counter(pair for pieces in spelt for pair in pairwise(pieces))
        if not pairs:
            return merges
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        spelt = [_joined(pieces, best) for pieces in spelt]


def _joined(pieces: list[str], pair: tuple[str, str]) -> list[str]:
    joined: list[str] = []
    for piece in pieces:
        if joined and (joined[-1], piece) == pair:
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


def build_tokenizer(words: tuple[str, ...]) -> CLIPTokenizer:
    """A tokenizer in which each of the words (ASCII, lower case) is one token, and every byte has a token."""
    letters = sorted(ByteLevel.alphabet())
    merges = learn_merges(words)
    pieces = [*letters, *(f"{letter}{WORD_END}" for letter in letters)]
    pieces += dict.fromkeys(left + right for left, right in merges)
    pieces += [START, END]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=LENGTH)


def save_tokenizer(words: tuple[str, ...], folder: Path) -> None:
    """Writes the tokenizer as `CLIPTokenizer.from_pretrained` reads it."""
    build_tokenizer(words).save_pretrained(folder)


def whole_words(tokenizer: CLIPTokenizer, text: str) -> tuple[str, ...]:
    """The words of a text that are one token each, in the order of the text."""
    return tuple(word for word in text.lower().split() if len(tokenizer.tokenize(word)) == 1)
