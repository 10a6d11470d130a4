"""Weights and long prompts."""

import math
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.worker.prompts import encode, parse
from tests.models import small_sd1, small_sdxl


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
        ("time 12:30 (12:30)", [("time 12:30 ", 1.0), ("12", 30.0)]),
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
@given(st.text(max_size=300))
def test_any_text_has_parts_of_finite_weight(prompt: str) -> None:
    assert all(not math.isnan(part.weight) and part.text for part in parse(prompt))


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="()[]\\"), max_size=300))
def test_a_text_without_brackets_is_kept_to_the_letter(prompt: str) -> None:
    assert "".join(part.text for part in parse(prompt)) == prompt


def test_very_deep_brackets_are_read() -> None:
    assert parts("(" * 700 + "a" + "]" * 100)[0][1] == 1.0
    assert [text for text, _ in parts("[" * 700 + "a" + "]" * 700)] == ["a"]


@pytest.fixture(scope="module")
def sd1(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = small_sd1(tmp_path_factory.mktemp("prompts") / "sd1")
    return StableDiffusionPipeline.from_pretrained(folder, safety_checker=None, requires_safety_checker=False)


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return StableDiffusionXLPipeline.from_pretrained(small_sdxl(tmp_path_factory.mktemp("prompts") / "sdxl"))


@torch.inference_mode()
def test_an_unweighted_prompt_is_encoded_to_the_pipelines_own_bits(sd1: Any, sdxl: Any) -> None:
    ours = encode(sd1, "a red cat, :)", "fog", guided=True)
    theirs = sd1.encode_prompt("a red cat, :)", "cpu", 1, True, "fog")
    assert torch.equal(ours.prompt_embeds, theirs[0])
    assert torch.equal(ours.negative_prompt_embeds, theirs[1])

    for negative in ("fog", None):
        ours = encode(sdxl, "a red cat", negative or "", guided=True)
        theirs = sdxl.encode_prompt(prompt="a red cat", negative_prompt=negative, device="cpu")
        for mine, other in zip(vars(ours).values(), theirs, strict=True):
            assert torch.equal(mine, other)


@torch.inference_mode()
def test_a_long_prompt_and_a_short_negative_one_become_equally_long(sd1: Any, sdxl: Any) -> None:
    for pipeline in (sd1, sdxl):
        for prompt, negative in (("cat " * 60, "fog"), ("cat", "fog " * 60)):
            told = encode(pipeline, prompt, negative, guided=True)
            assert told.prompt_embeds.shape == told.negative_prompt_embeds.shape
            assert told.prompt_embeds.shape[1] == 3 * 77  # 180 letters, 75 in each piece


@torch.inference_mode()
def test_a_weight_changes_what_is_weighted_in_its_proportion(sd1: Any) -> None:
    plain, empty = (encode(sd1, text, "", guided=False).prompt_embeds[0] for text in ("a red cat", ""))
    weighted = encode(sd1, "a (red:1.5) cat", "", guided=False).prompt_embeds[0]

    changed = (weighted != plain).any(dim=-1).nonzero().flatten().tolist()

    assert changed == [2, 3, 4]  # after the start sign and "a", a token a letter
    assert torch.allclose(weighted[3] - empty[3], 1.5 * (plain[3] - empty[3]), atol=1e-5)


@torch.inference_mode()
def test_nothing_is_said_for_the_negative_prompt_where_nobody_listens(sd1: Any) -> None:
    assert encode(sd1, "a", "b", guided=False).arguments().keys() == {"prompt_embeds"}
