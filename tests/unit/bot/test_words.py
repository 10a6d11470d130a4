"""A word that is kept out is found however it is dressed up, and no other word is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.words import found, parts, plain

LETTERS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
UNSEEN = "\u200b\u200d\u00ad\u2060\ufeff\u0301\u0327\ufe0f\u3164\u034f"


@pytest.mark.parametrize(
    "dressed_up",
    [
        "FOG",
        "ｆｏｇ",  # noqa: RUF001  (of full width)
        "f\u200bo\u00adg",
        "fóg",
        "f\u0336og",
        "𝐟𝐨𝐠",  # noqa: RUF001  (mathematical ones)
        "a fog, and (fog:1.3)",
        "{red|fog} boat",
        "fog_light",
        "no-fog!",
        "<lora:fog:1>",
        "ⓕⓞⓖ",
    ],
)
def test_no_disguise_hides_a_word(dressed_up: str) -> None:
    assert found(["fog"], [dressed_up]) == "fog"


@pytest.mark.parametrize("harmless", ["foggy", "fo g", "afog", "", "frog", "f.o.g"])
def test_a_part_of_another_word_is_not_the_word(harmless: str) -> None:
    assert found(["fog"], [harmless]) is None


def test_a_star_is_any_ending_and_no_beginning() -> None:
    assert found(["fog*"], ["a FOGGY day"]) == "fog*"
    assert found(["fog*"], ["a bullfog"]) is None


def test_several_words_are_found_where_they_follow_each_other() -> None:
    assert found(["red cat"], ["one", "a Red, (cat)"]) == "red cat"
    assert found(["red cat"], ["a (red:1.2) [cat]"]) == "red cat"
    assert found(["red cat"], ["a red big cat"]) is None
    assert found(["red ca*"], ["red cats"]) == "red ca*"


def test_a_script_without_spaces_is_looked_through_everywhere() -> None:
    assert found(["猫"], ["赤い猫と海"]) == "猫"
    assert found(["猫"], ["赤い犬"]) is None


def test_what_has_no_letter_keeps_nothing_out() -> None:
    assert parts("*, …") == ()
    assert found(["*", "…"], ["anything * …"]) is None


@given(st.text())
def test_what_is_plain_stays_as_it_is(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@given(LETTERS, st.lists(st.sampled_from(UNSEEN), max_size=10), st.randoms())
def test_what_is_not_seen_hides_nothing_wherever_it_stands(word: str, unseen: list[str], chance: object) -> None:
    letters = list(word)
    for each in unseen:
        letters.insert(chance.randint(0, len(letters)), each)  # type: ignore[attr-defined]
    assert found([word], [f"a {''.join(letters).upper()} here"]) == word


@given(LETTERS, st.text(max_size=40))
def test_a_word_is_found_in_every_text_that_has_it_as_a_word(word: str, around: str) -> None:
    assert found([word], [f"{around} {word} {around}"]) == word
    assert (found([word], [around]) is None) == (word not in parts(around))
