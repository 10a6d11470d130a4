"""What captioners say, made into prompts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation import PROMPT_LIMIT
from generation.captions import CAPTIONS, clean, prompts
from generation.prompt import read

_BITS = ["a ", "the ", "red ", "cat", ", ", "and ", "of ", "picture ", "there is ", "[", "<", "'s ", "_", "(", " "]
TALK = st.lists(st.sampled_from(_BITS)).map("".join)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("a picture of a red cat", "a red cat"),
        ("this is an image of the sea", "the sea"),
        ("The photo showing two boats", "two boats"),
        ("there is a cat that is sitting on a bench", "a cat that is sitting on a bench"),
        ("there are two dogs", "two dogs"),
        ("a black and white photo of a dog", "a black and white photo of a dog"),
        ("a close up of a cat", "a close up of a cat"),
        ("a painting of a house", "a painting of a house"),
        ("a picture of", ""),
    ],
)
def test_what_is_shown_is_kept_and_that_it_is_a_picture_is_not(said: str, meant: str) -> None:
    assert clean(said) == meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("a red red cat", "a red cat"),
        ("a cat and a cat and a cat and a", "a cat"),
        ("a cat and a dog and a cat and a dog and", "a cat and a dog"),
        ("very, very, very tall", "very tall"),
        ("a the an apple", "an apple"),
        ("a red redwood", "a red redwood"),
        ("people side by side", "people side by side"),
    ],
)
def test_nothing_is_said_twice(said: str, meant: str) -> None:
    assert clean(said) == meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("arafed man in a suit", "a man in a suit"),
        ("there is a araffy dog on the grass", "a dog on the grass"),
        ("two araffes in a field", ""),
        ("[CLS] a cat ' s hat [SEP]", "a cat's hat"),
        ("a boat , a house .", "a boat, a house"),
        ("(a {cat|dog}:1.3) <lora:x:1> BREAK", "a cat dog 1.3 BREAK"),
        ("@everyone **bold** `code`", "everyone bold code"),
        ("a boat on the sea with its", "a boat on the sea"),
        ("... - ", ""),
        ("", ""),
    ],
)
def test_what_no_prompt_has_is_left_out(said: str, meant: str) -> None:
    assert clean(said) == meant


@given(st.one_of(st.text(), TALK))
def test_whatever_is_said_becomes_a_plain_prompt_on_one_line_or_none(said: str) -> None:
    prompt = clean(said)

    assert clean(prompt) == prompt
    assert prompt == " ".join(prompt.split())
    assert not set(prompt) & set('()[]{}<>|\\*_`@#:;~"')
    assert len(prompt) <= PROMPT_LIMIT
    if prompt:
        assert not read(prompt).loras


def test_prompts_differ_keep_their_order_and_are_few() -> None:
    said = ["a cat", "a dog", "A picture of a CAT", "", "a boat", "a dog", "a tree", "a house"]
    assert prompts(said) == ("a cat", "a dog", "a boat", "a tree")
    assert len(prompts(f"tree number {'x' * each}y" for each in range(9))) == CAPTIONS
