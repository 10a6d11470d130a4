"""The grammar of prompts."""

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation import BadPrompt, OutOfRange, PromptFault
from generation.prompt import LoraTag, parse, read


def parts(prompt: str) -> list[tuple[str, float]]:
    return [(part.text, round(part.weight, 4)) for part in parse(prompt)]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a red cat", [("a red cat", 1.0)]),
        ("a (red) cat", [("a ", 1.0), ("red", 1.1), (" cat", 1.0)]),
        ("a ((red)) cat", [("a ", 1.0), ("red", 1.21), (" cat", 1.0)]),
        ("a (red:1.3) cat", [("a ", 1.0), ("red", 1.3), (" cat", 1.0)]),
        ("a (red: 0.5 ) cat", [("a ", 1.0), ("red", 0.5), (" cat", 1.0)]),
        ("(red:0)", [("red", 0.0)]),
        ("(red:-.5)", [("red", -0.5)]),
        ("a [red] cat", [("a ", 1.0), ("red", 0.9091), (" cat", 1.0)]),
        ("((red) cat:1.5)", [("red", 1.65), (" cat", 1.5)]),
        ("[(red:2)]", [("red", 1.8182)]),
        (r"a \(red\) cat \\", [("a (red) cat \\", 1.0)]),
        (r"(red\):1.5)", [("red)", 1.5)]),
        ("time 12:08 (12:08)", [("time 12:08 ", 1.0), ("12", 8.0)]),
        ("(red:very)", [("red:very", 1.1)]),
        ("(neutral:1.0) text", [("neutral text", 1.0)]),
        ("()", []),
        ("", []),
    ],
)
def test_brackets_give_weights(prompt: str, expected: list[tuple[str, float]]) -> None:
    assert parts(prompt) == expected


@pytest.mark.parametrize(
    "prompt", ["a dog :)", "(: a dog", "[a dog", "a dog ]:", ")(", "a (dog]", "c:\\cats", ":1.5)"]
)
def test_a_bracket_without_its_partner_is_text(prompt: str) -> None:
    assert parts(prompt) == [(prompt, 1.0)]


def test_a_lone_bracket_does_not_take_a_pair_with_it() -> None:
    assert parts("(a [cat) b") == [("a [cat", 1.1), (" b", 1.0)]
    assert parts("(a dog :) )") == [("a dog :", 1.1), (" )", 1.0)]


@settings(deadline=None)
@given(st.text(max_size=300) | st.text('ab()[]<>:.,|\\"1 lora-BREAK AND blend', max_size=60))
def test_any_text_is_read_or_refused_with_a_reason(prompt: str) -> None:
    try:
        pieces = [piece for ingredient in read(prompt).ingredients for piece in ingredient.pieces]
    except (BadPrompt, OutOfRange):
        return
    assert all(not math.isnan(part.weight) and part.text for piece in pieces for part in piece)


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="()[]\\"), max_size=300))
def test_a_text_without_brackets_is_kept_to_the_letter(prompt: str) -> None:
    assert "".join(part.text for part in parse(prompt)) == prompt


def test_very_deep_brackets_are_read() -> None:
    assert parts("(" * 700 + "a" + "]" * 100)[0][1] == 1.0
    assert [text for text, _ in parts("[" * 700 + "a" + "]" * 700)] == ["a"]


@pytest.mark.parametrize(
    "prompt",
    ["[" * 3000 + ")" * 3000, " " * 6000 + "x", '("a"' + " " * 6000, "AND " * 700 + ":" + "1" * 3000 + "x"],
)
def test_the_longest_prompt_is_read_at_once(prompt: str) -> None:
    started = time.process_time()
    read(prompt)
    assert time.process_time() - started < 0.3


def pieces(prompt: str) -> list[list[str]]:
    return [[part.text for part in piece] for piece in read(prompt).ingredients[0].pieces]


def test_break_begins_a_new_piece_and_keeps_the_weights() -> None:
    assert pieces("a cat BREAK a dog") == [["a cat"], ["a dog"]]
    assert pieces("a cat BREAK BREAK") == [["a cat"]]
    assert pieces("(a cat BREAK a dog:1.3)") == [["a cat"], ["a dog"]]
    assert [piece[0].weight for piece in read("(a BREAK b:1.3)").ingredients[0].pieces] == [1.3, 1.3]
    assert pieces("take a break, OUTBREAK") == [["take a break, OUTBREAK"]]
    assert pieces("BREAK") == [[]]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ('("red cat", "blue dog").blend(0.7, 0.3)', [("red cat", 0.7), ("blue dog", 0.3)]),
        ('("a","b","c").blend(1,1,2)', [("a", 0.25), ("b", 0.25), ("c", 0.5)]),
        ('("a", "b").blend()', [("a", 0.5), ("b", 0.5)]),
        (r'("a \"quoted\" cat", "b, c").blend(1, 0)', [('a "quoted" cat', 1.0), ("b, c", 0.0)]),
        ("  (“red cat”, “blue dog”).blend(3, 1)\n", [("red cat", 0.75), ("blue dog", 0.25)]),
        ("red cat", [("red cat", 1.0)]),
        ("a cat AND a dog", [("a cat AND a dog", 1.0)]),
    ],
)
def test_a_blend_has_ingredients_whose_shares_add_up(prompt: str, expected: list[tuple[str, float]]) -> None:
    found = [(ingredient.pieces[0][0].text, ingredient.share) for ingredient in read(prompt).ingredients]
    assert found == [(text, pytest.approx(share)) for text, share in expected]


def test_the_texts_of_a_blend_have_weights_of_their_own() -> None:
    first, second = read('("a (cat:1.3)", "[dog]").blend(1, 1)').ingredients
    assert first.pieces[0][1].weight == 1.3
    assert second.pieces[0][0].weight == pytest.approx(1 / 1.1)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a cat <lora:ink:0.8>", ("a cat ", [("ink", 0.8, 0.8)])),
        ("<lora:Ink v2> a cat", (" a cat", [("Ink v2", 1.0, 1.0)])),
        ("<lora:ink:0.5:-1>", ("", [("ink", 0.5, -1.0)])),
        ("<LORA:a:.3><lyco:b.2: 1 >", ("", [("a", 0.3, 0.3), ("b.2", 1.0, 1.0)])),
        ("I <3 cats <b", ("I <3 cats <b", [])),
    ],
)
def test_lora_tags_are_taken_out(prompt: str, expected: tuple[str, list[tuple[str, float, float]]]) -> None:
    text, tags = expected
    found = read(prompt)
    assert found.words == text
    assert found.loras == tuple(LoraTag(name=name, text_weight=te, weight=unet) for name, te, unet in tags)


@pytest.mark.parametrize(
    ("prompt", "fault", "form"),
    [
        ("a [cat:dog:0.5]", PromptFault.EDITING, "[cat:dog:0.5]"),
        ("a [cat:10]", PromptFault.EDITING, "[cat:10]"),
        ("a [(cat:1.2)::.5]", PromptFault.EDITING, "[(cat:1.2)::.5]"),
        ("a [cat|dog] on grass", PromptFault.ALTERNATION, "[cat|dog]"),
        ("a cat :1.2 AND a dog", PromptFault.COMPOSITION, ":1.2 AND"),
        ("a cat AND a dog :0.8", PromptFault.COMPOSITION, "AND a dog :0.8"),
        ('("a", "b").and()', PromptFault.COMPOSITION, ".and("),
        ("a cat.swap(dog)", PromptFault.COMPOSITION, "t.swap("),
        ('("a", "b").blend(1)', PromptFault.BLEND, ".blend(1)"),
        ('("a", "b").blend(1, -1)', PromptFault.BLEND, ".blend(1, -1)"),
        ('("a", "b").blend(0, 0)', PromptFault.BLEND, ".blend(0, 0)"),
        ('("a", "b").blend(0.5, x)', PromptFault.BLEND, ".blend(0.5, x)"),
        ('a photo of ("a", "b").blend(1, 1)', PromptFault.BLEND, ".blend("),
        ("<hypernet:x:1>", PromptFault.NETWORK, "<hypernet:x:1>"),
        ("<lora:>", PromptFault.TAG, "<lora:>"),
        ("<lora:x:much>", PromptFault.TAG, "<lora:x:much>"),
        ("<lora:x:1:1:1>", PromptFault.TAG, "<lora:x:1:1:1>"),
        ("<lora:x> <lora:X:2>", PromptFault.TAG_TWICE, "<lora:X:2>"),
    ],
)
def test_what_is_not_drawn_is_named(prompt: str, fault: PromptFault, form: str) -> None:
    with pytest.raises(BadPrompt) as caught:
        read(prompt)
    assert (caught.value.fault, caught.value.value) == (fault, form)


def test_prose_that_looks_a_little_like_syntax_is_prose() -> None:
    for prompt in ("cats AND dogs at 12:30", "(cat|dog)", "16:9 AND wide", "so [very nice: indeed] a cat"):
        assert "".join(part.text for part in parse(prompt))
        read(prompt)


def test_a_lora_belongs_in_the_prompt_and_has_a_weight_within_bounds() -> None:
    with pytest.raises(BadPrompt) as caught:
        read("fog <lora:ink>", argument="negative_prompt")
    assert (caught.value.argument, caught.value.fault) == ("negative_prompt", PromptFault.TAG_NOT_HERE)
    with pytest.raises(OutOfRange):
        read("<lora:ink:11>")


@pytest.mark.parametrize(
    "prompt", ["(red:11)", "(red:-10.5)", "((red:4):3)", f"(red:{10**47})", "(" * 25 + "red" + ")" * 25]
)
def test_a_word_has_a_weight_within_bounds(prompt: str) -> None:
    with pytest.raises(OutOfRange) as caught:
        read(f"a {prompt} cat")
    assert (caught.value.argument, caught.value.maximum) == ("weight of a word", 10.0)
    assert read("a (red:10) (cat:-10)")
