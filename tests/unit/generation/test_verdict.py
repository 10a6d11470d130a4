"""The laws of the verdict: what decides, what hardly shows, and what does not matter."""

from dataclasses import fields, replace
from typing import Any

import pytest

from generation import Aspect, Difference, Environment, Sameness, Verdict, compare

HERE = Environment(
    device="cpu",
    dtype="float32",
    threads=2,
    batch_size=1,
    model_revision="a" * 40,
    versions={"torch": "2.13.0", "diffusers": "0.42.1"},
    watermark="StableDiffusionV1",
    adapters={"ink": "1" * 64},
    unknown_words=("dragon",),
    placement="whole, float32",
)
NOT = {"model_revision": "b" * 40, "adapters": {"ink": "2" * 64}}
NEARLY: dict[str, Any] = {
    "device": "cuda:0 Somebody's card",
    "dtype": "bfloat16",
    "threads": 1,
    "batch_size": 4,
    "versions": {"torch": "2.14.0", "diffusers": "0.42.1"},
    "watermark": None,
    "placement": "whole, bfloat16, VAE tiling",
}
INDIFFERENT: dict[str, Any] = {"unknown_words": (), "short_of_memory": True}


def test_the_same_environment_gives_the_same() -> None:
    assert compare(HERE, replace(HERE)) == Verdict(sameness=Sameness.SAME)


@pytest.mark.parametrize(
    ("field", "sameness"),
    [
        *((field, Sameness.NOT) for field in NOT),
        *((field, Sameness.NEARLY) for field in NEARLY),
        *((field, Sameness.SAME) for field in INDIFFERENT),
    ],
)
def test_each_field_decides_or_hardly_shows_or_does_not_matter(field: str, sameness: Sameness) -> None:
    other = replace(HERE, **{field: (NOT | NEARLY | INDIFFERENT)[field]})
    for verdict in (compare(HERE, other), compare(other, HERE)):
        assert verdict.sameness is sameness
        assert bool(verdict.differences) == (sameness is not Sameness.SAME)


def test_what_was_not_recorded_is_no_difference() -> None:
    before = replace(HERE, placement="")
    assert compare(before, HERE).sameness is compare(HERE, before).sameness is Sameness.SAME


def test_of_every_field_it_is_known_what_it_means() -> None:
    assert {each.name for each in fields(Environment)} == {*NOT, *NEARLY, *INDIFFERENT}


@pytest.mark.parametrize("field", ["adapters", "versions"])
def test_what_is_gone_or_new_is_a_difference(field: str) -> None:
    without = replace(HERE, **{field: {}})
    for then, now in ((HERE, without), (without, HERE)):
        differences = compare(then, now).differences
        assert {each.name for each in differences} == set(getattr(HERE, field))
        assert all((each.then is None) == (then is without) for each in differences)


def test_threads_matter_only_where_they_compute() -> None:
    card = replace(HERE, device="cuda:0 Somebody's card")
    assert compare(card, replace(card, threads=64)).sameness is Sameness.SAME
    [difference] = compare(HERE, replace(card, threads=64)).differences
    assert difference.aspect is Aspect.DEVICE


def test_what_decides_stands_first() -> None:
    verdict = compare(HERE, replace(HERE, **NOT | NEARLY))
    assert verdict.sameness is Sameness.NOT
    ranks = [each.sameness for each in verdict.differences]
    assert ranks == sorted(ranks, reverse=True)


def test_what_is_seen_can_only_make_it_worse() -> None:
    same, nearly, different = (compare(HERE, replace(HERE, **change)) for change in ({}, {"threads": 1}, NOT))
    for verdict in (same, nearly, different):
        assert verdict.at_best(Sameness.SAME) is verdict
    assert different.at_best(Sameness.NEARLY) is different
    assert nearly.at_best(Sameness.NOT) == Verdict(sameness=Sameness.NOT, differences=nearly.differences)
    unrecorded = (Difference(aspect=Aspect.UNRECORDED),)
    assert same.at_best(Sameness.NEARLY) == Verdict(sameness=Sameness.NEARLY, differences=unrecorded)
