"""The catalogue, ours and the operator's."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from generation import Catalogue, Family, Place, Use, add_entry, read_entries, remove_entry
from generation.errors import ModelUnavailable, UnknownChoice
from generation.hub import is_hub_id
from tests.recipes import a_model

OURS = Catalogue.read(default="storybook")
FETCHED = [name for name in OURS if name not in {"storybook", "storybook-turbo", "lanczos"}]
COMMIT = re.compile(r"[0-9a-f]{40}")
SHA256 = re.compile(r"[0-9a-f]{64}")


def test_what_needs_no_files_has_the_one_place_where_it_is_written() -> None:
    assert OURS["lanczos"].folder is not None
    assert OURS["lanczos"].can == (Use.UPSCALE,)


@pytest.mark.parametrize("name", FETCHED)
def test_an_entry_says_all_that_an_operator_wants_to_know(name: str) -> None:
    model = OURS[name]

    assert len(model.places) >= 2
    assert all(is_hub_id(place.source) for place in model.places)
    assert model.can
    assert model.licence
    assert model.memory("float32") == 2 * model.memory("bfloat16") > 1e9
    assert model.size.read("square").width % model.size.grid == 0
    assert model.steps.minimum <= model.steps.default <= model.steps.maximum
    assert model.guidance.minimum <= model.guidance.default <= model.guidance.maximum


@pytest.mark.parametrize("name", FETCHED)
def test_the_first_place_of_an_entry_is_pinned(name: str) -> None:
    places = [*OURS[name].places, *OURS[name].extras]

    assert places[0].revision is not None
    for place in places:
        assert place.revision is None or COMMIT.fullmatch(place.revision)
        assert place.sha256 is None or SHA256.fullmatch(place.sha256)
        assert place.sha256 is None or place.file is not None


def test_every_family_and_use_has_an_entry() -> None:
    assert {model.family for model in OURS.values()} == set(Family)
    assert {model.can[0] for model in OURS.values()} == set(Use) - {Use.IMAGE}


def test_what_is_added_is_read_again_and_what_is_removed_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "models" / "models.toml"
    odd = a_model(
        name='odd "name" v1.5',
        source="/models/a b.safetensors",
        others=(Place(source="some/where", revision="main", file="a.ckpt", sha256="0" * 64),),
        can=(Use.INPAINT,),
        prediction="epsilon",
    )
    plain = a_model(name="plain", source="/models/plain")
    for model in (odd, plain):
        add_entry(file, model)

    assert read_entries(file) == {odd.name: odd, "plain": plain}
    assert remove_entry(file, odd.name)
    assert read_entries(file) == {"plain": plain}
    assert not remove_entry(file, odd.name)


def test_what_the_operator_wrote_stays(tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    add_entry(file, a_model(name="first"))
    add_entry(file, a_model(name="second"))
    file.write_text(file.read_text() + "# the last word\n")

    remove_entry(file, "first")

    assert "# the last word" in file.read_text()
    assert list(read_entries(file)) == ["second"]


OPERATORS = """\
# my models
[first]
title = "First"
{values}
size = {{ native = [512, 512], grid = 8, minimum = 256, maximum = 1024, trained = [
  [512, 768],
[768, 512],  # a line that begins as a header does
] }}
licence = '''none
[second]
# of note'''
# prediction = "epsilon"

# about the second: \u2028[first]
# two lines of it
[ "second" ] # here
title = "Second"
{values}
size = {{ native = [512, 512], grid = 8, minimum = 256, maximum = 1024 }}
licence = "none"

[first.lora]
source = "nowhere/lora"

[[second.sources]]
source = "nowhere/second"
# the last word
"""
VALUES = """\
family = "sd1"
source = "nowhere/some-model"
steps = [1, 25, 150]
guidance = [0.0, 7.5, 30.0]
scheduler = "DDIM"
strength = 0.75"""


def test_what_is_removed_is_the_entry_to_its_last_line_and_no_other_line(tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    text = OPERATORS.format(values=VALUES)
    file.write_text(text)
    second, firsts, more = (text.index(words) for words in ("# about the second", "[first.lora]", "[[second"))

    assert remove_entry(file, "first")
    assert file.read_text() == "# my models\n\n" + text[second:firsts] + text[more:]
    assert list(read_entries(file)) == ["second"]

    file.write_text(text)
    assert remove_entry(file, "second")
    assert file.read_text() == text[: text.index('[ "second"')] + "\n" + text[firsts:more] + "# the last word\n"
    assert list(read_entries(file)) == ["first"]


@pytest.mark.parametrize(
    "written",
    [
        "first = {{ {values}, {size}, licence = 'none', title = 'First' }}\n[second]\n{lines}\n",
        "first.title = 'First'\nfirst.licence = 'none'\n{dotted}\n[second]\n{lines}\n",
    ],
)
def test_an_entry_that_cannot_be_taken_out_whole_stays_and_the_operator_is_told(
    tmp_path: Path, written: str
) -> None:
    file = tmp_path / "models.toml"
    values = VALUES.splitlines()
    size = "size = { native = [512, 512], grid = 8, minimum = 256, maximum = 1024 }"
    text = written.format(
        values=", ".join(values),
        size=size,
        dotted="\n".join(f"first.{line}" for line in (*values, size)),
        lines="\n".join((*values, size, "title = 'Second'", "licence = 'none'")),
    )
    file.write_text(text)
    assert list(read_entries(file)) == ["first", "second"]

    with pytest.raises(ModelUnavailable, match=r"cannot be taken out of .*models\.toml"):
        remove_entry(file, "first")
    assert file.read_text() == text


def test_the_operators_entry_comes_before_ours(tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    add_entry(file, a_model(name="sdxl", title="Mine"))

    read = Catalogue.read(default="storybook", own=file)

    assert read["sdxl"].title == "Mine"
    assert len(read) == len(OURS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("title =", "# title ="), r"\[mine\] in .* has no title; add it"),
        (('"sd1"', '"sd9"'), r"\[mine\] in .* is not as it should be: 'sd9' is not a valid Family"),
        (('"DDIM"', '"Dream"'), "'Dream' is not a valid Scheduler"),
        (('"sd1"', '"flux"'), r"flux takes the schedulers Euler, Heun, DPM\+\+ 2M, UniPC, not DDIM"),
        (("[512, 512]", "[512]"), r"\[mine\] in .* is not as it should be"),
        (("[{", "["), "cannot be read"),
        (('source = "here"', 'path = "here"'), r"\[mine\] in .* is not as it should be"),
    ],
)
def test_a_mistake_in_the_operators_file_is_named(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    file = tmp_path / "models.toml"
    add_entry(file, a_model(name="mine", source="here"))
    text = file.read_text()
    assert change[0] in text
    file.write_text(text.replace(*change))

    with pytest.raises(ModelUnavailable, match=words):
        read_entries(file)


def test_no_file_is_no_entries(tmp_path: Path) -> None:
    assert read_entries(tmp_path / "nothing.toml") == {}


def test_the_closest_name_is_offered() -> None:
    with pytest.raises(UnknownChoice) as refused:
        OURS.find("sd-1.6")

    assert refused.value.closest in {"sd-1.5", "sd-1.4"}


def test_memory_is_told_by_precision() -> None:
    assert replace(a_model(), parameters=1000).memory("float16") == 2000
    assert a_model().memory("float32") is None
