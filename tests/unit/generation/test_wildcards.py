"""Choices in prompts: the seed decides, braces nest, and what is no choice of ours is refused."""

from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from generation import BadPrompt, PromptFault
from generation.wildcards import expand


def chance(seed: int) -> Random:
    return Random(seed)  # noqa: S311 (a test that can be repeated)


class Always(Random):
    """Chance that always says the same, from 0 to just below 1."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def random(self) -> float:
        return self.value


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("a {red|blue} boat", "a red boat", "a blue boat"),
        ("{a|b|c}{d|e}", "ad", "ce"),
        ("a {big {red|blue}|small} boat", "a big red boat", "a small boat"),
        ("a {|very |very, very }old tree", "a old tree", "a very, very old tree"),
        ("a {(red:1.3)|[blue]} boat", "a (red:1.3) boat", "a [blue] boat"),
        ("{lonely}", "lonely", "lonely"),
        ("{}", "", ""),
        (r"\{red|blue\}", "{red|blue}", "{red|blue}"),
        (r"{a\|b|c\}d}", "a|b", "c}d"),
        ("smile :} | wink", "smile :} | wink", "smile :} | wink"),
        (r"{\(a\)|b}", r"\(a\)", "b"),
        (r"\\{a|b}", r"\\a", r"\\b"),
        ("{a cat\non a mat|b}", "a cat\non a mat", "b"),
        ("at {16:9|4:3}", "at 16:9", "at 4:3"),
        ("{<lora:ink:0.8>|<lora:wool>} cat", "<lora:ink:0.8> cat", "<lora:wool> cat"),
    ],
)
def test_one_alternative_is_taken(text: str, first: str, last: str) -> None:
    assert expand(text, Always(0.0)) == first
    assert expand(text, Always(0.999)) == last


@given(st.text(alphabet=st.characters(exclude_characters="{}")))
def test_a_text_without_braces_is_itself(text: str) -> None:
    assert expand(text, chance(1)) == text


@example([".::"], 0)
@given(st.lists(st.text(alphabet="abc ,.()[]:", min_size=1), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_the_same_seed_makes_the_same_choice_and_all_come_up(alternatives: list[str], seed: int) -> None:
    text = f"{{{'|'.join(alternatives)}}}"
    assert expand(text, chance(seed)) == expand(text, chance(seed))
    assert {expand(text, chance(each)) for each in range(200)} == set(alternatives)


def test_each_alternative_is_as_likely_as_the_other() -> None:
    drawn = [expand("{a|b|c}", chance(seed)) for seed in range(3000)]
    assert all(900 < drawn.count(each) < 1100 for each in "abc")


@pytest.mark.parametrize("text", ["a {red|blue boat", "{", "{a|{b}", "{{a|b}", r"{a\}"])
def test_a_brace_that_is_never_closed_is_refused(text: str) -> None:
    with pytest.raises(BadPrompt) as caught:
        expand(text, chance(1))
    assert caught.value.fault is PromptFault.UNCLOSED


@pytest.mark.parametrize("text", ["{2::red|blue}", "{red|0.5::blue}", "{2$$red|blue}", "{1-2$$, $$red|blue}"])
def test_what_other_programs_write_in_front_is_refused(text: str) -> None:
    with pytest.raises(BadPrompt) as caught:
        expand(text, chance(1), argument="negative_prompt")
    assert caught.value.fault is PromptFault.CHOICE
    assert caught.value.argument == "negative_prompt"


def test_no_depth_is_too_deep() -> None:
    assert expand("{" * 700 + "a" + "}" * 700, chance(1)) == "a"
