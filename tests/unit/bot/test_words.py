"""A word that is kept out is found however it is dressed up, and no other word is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.words import found, parts, sought

LETTERS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
UNSEEN = "\u200b\u200d\u00ad\u2060\ufeff\ufe0f\u3164\u034f\x00\x1b\U000e0041\U000e0100"
ACCENTS = "\u0301\u0327\u0336\u20dd\u0e49"


@pytest.mark.parametrize(
    "dressed_up",
    [
        "FOG",
        "ｆｏｇ",  # noqa: RUF001  (of full width)
        "f\u200bo\u00adg",
        "f\u200bog\u200bbank",
        "the\u00adfog\x00bank",
        "fog1 bank",
        "2fog",
        "fog² bank",
        "fog™ bank",
        "fogⅣ",
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
    assert found(["red cat"], ["a red\u200bcat"]) == "red cat"
    assert found(["red cat"], ["a red big cat"]) is None
    assert found(["red ca*"], ["red cats"]) == "red ca*"


def test_a_number_is_whole_too_and_may_be_part_of_a_word() -> None:
    assert found(["88"], ["route 88"]) == "88"
    assert found(["88"], ["in 1488"]) is None
    assert found(["mp3"], ["an MP3 player"]) == "mp3"
    assert found(["mp3"], ["an mp4 player"]) is None


def test_a_script_without_spaces_is_looked_through_everywhere() -> None:
    assert found(["猫"], ["赤い猫と海"]) == "猫"
    assert found(["赤い猫"], ["黒と赤い 猫"]) == "赤い猫"
    assert found(["猫"], ["赤い犬"]) is None


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("काम", "बड़ा काम है"),
        ("का", "राम का घर"),
        ("हिंदी भाषा", "यह हिंदी भाषा।"),
        ("बिल्ली", "काली बिल्ली, नदी"),
        ("राज्य", "एक राज्\u200dय था"),  # as some keyboards join it
        ("バカ", "このバカめ"),
        ("バカ", "ﾊﾞｶ"),
        ("ブタ", "ブタの絵"),
        ("がっこう", "か\u3099っこうへ行く"),
        ("안개", "짙은 안개 속"),
        ("안개", "안개\u200b속"),
        ("안개*", "안개가 짙다"),
        ("ปู", "กินปูม้า"),
        ("น้ำ", "ริมน้ำตก"),
        ("سأل", "هو سأل عنه"),
        ("محمد", "مُحَمَّد هنا"),
        ("שלום", "שָׁלוֹם לך"),
        ("می‌خواهم", "من می‌خواهم"),
        ("cà phê", "một ly CÀ PHÊ"),
        ("дым", "густой ДЫ́М"),  # noqa: RUF001  (Cyrillic)
        ("καπνός", "ΚΑΠΝΟΣ"),
        ("猫", "黒猫\u0301"),
    ],
)
def test_a_word_is_found_in_the_script_that_it_is_written_in(word: str, text: str) -> None:
    assert found([word], [text]) == word


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("का", "की"),
        ("काम", "की मा"),
        ("कुल", "केल"),
        ("क", "की"),
        ("या", "विद्\u200dया"),
        ("バカ", "ハカの絵"),
        ("ブタ", "フタ"),
        ("か", "か\u309a"),
        ("개*", "객실"),
        ("개", "새"),
        ("ปู", "ปู่กับย่า"),
        ("มา", "ม้า"),
        ("سأل", "سال"),
        ("خواهم", "می‌خواهم"),
        ("မီး", "မီ"),
    ],
)
def test_no_other_word_is_found_in_any_script(word: str, text: str) -> None:
    assert found([word], [text]) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [("fog", "FÓG"), ("fog", "f\u200bog"), ("red cat", "Red, cat"), ("fog*", "fóg *"), ("赤い猫", "赤い 猫")],
)
def test_a_word_is_the_same_however_it_was_typed(one: str, other: str) -> None:
    assert sought(one) == sought(other)


@pytest.mark.parametrize(
    ("one", "other"), [("fog", "fog*"), ("red cat", "redcat"), ("バカ", "ハカ"), ("a b", "b a")]
)
def test_what_finds_something_else_is_another_word(one: str, other: str) -> None:
    assert sought(one) != sought(other)


def test_what_has_no_letter_keeps_nothing_out() -> None:
    assert parts("*, …") == ()
    assert sought("*, …") is None
    assert found(["*", "…"], ["anything * …"]) is None


@given(st.text())
def test_parts_are_whole_already(text: str) -> None:
    assert parts(" ".join(parts(text))) == parts(text)


@given(LETTERS, st.lists(st.sampled_from(UNSEEN + ACCENTS), max_size=10), st.randoms())
def test_what_is_put_into_a_word_does_not_hide_it(word: str, inside: list[str], chance: object) -> None:
    letters = list(word)
    for each in inside:
        letters.insert(chance.randint(1, len(letters)), each)  # type: ignore[attr-defined]
    assert found([word], [f"a {''.join(letters).upper()} here"]) == word


@given(LETTERS, st.lists(st.sampled_from(UNSEEN), max_size=10), st.randoms(), st.text(UNSEEN + "3", min_size=1))
def test_what_is_not_seen_does_not_tie_a_word_to_its_neighbours(
    word: str, inside: list[str], chance: object, between: str
) -> None:
    letters = list(word)
    for each in inside:
        letters.insert(chance.randint(0, len(letters)), each)  # type: ignore[attr-defined]
    assert found([word], [f"red{between}{''.join(letters)}{between}cat"]) == word


@given(LETTERS, st.text(st.characters(categories=("L", "P", "Zs")), max_size=40))
def test_a_word_is_found_in_every_text_that_has_it_as_a_word(word: str, around: str) -> None:
    assert found([word], [f"{around} {word} {around}"]) == word
    assert (found([word], [around]) is None) == (word not in parts(around))
