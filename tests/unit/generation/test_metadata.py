"""Recipes inside PNG files."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generation import Mode, Recipe, Scheduler
from generation.infotext import write
from generation.metadata import pnginfo, read, read_recipe
from generation.request import SEED_LIMIT
from tests.recipes import a_recipe

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
recipes = st.builds(
    a_recipe,
    mode=st.sampled_from(Mode),
    prompt=texts,
    negative_prompt=texts,
    width=st.integers(8, 4096),
    guidance_scale=st.floats(0, 30),
    scheduler=st.sampled_from(Scheduler),
    seeds=st.lists(st.integers(0, SEED_LIMIT - 1), min_size=1, max_size=4).map(tuple),
    strength=st.none() | st.floats(0, 1),
    source=st.none() | st.just("ab" * 32),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures") / "picture.png"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(recipe=recipes, data=st.data())
def test_a_recipe_survives_its_picture(file: Path, recipe: Recipe, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(recipe.seeds) - 1))
    Image.new("RGB", (1, 1)).save(file, pnginfo=pnginfo(recipe, index))

    found = read(file)

    assert found is not None
    assert found.seeds == (recipe.seeds[index],)
    assert found == a_recipe(**{**vars(recipe), "seeds": found.seeds})


def test_the_text_for_other_programs_is_written_as_they_read_it() -> None:
    recipe = a_recipe(
        prompt="a red cat,\non the beach",
        negative_prompt="fog",
        num_inference_steps=30,
        guidance_scale=7.0,
        scheduler=Scheduler.DPM_2M_KARRAS,
        seeds=(0,),
        width=512,
        height=768,
        mode=Mode.IMAGE_TO_IMAGE,
        strength=0.0,
        source="ab" * 32,
    )

    text, settings_line = write(recipe).rsplit("\n", 1)

    assert text == "a red cat,\non the beach\nNegative prompt: fog"
    assert settings_line.startswith(
        "Steps: 30, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 0, Size: 512x768, "
        "Model: storybook, Denoising strength: 0, Version: Easel "
    )


def test_other_programs_find_their_text(file: Path) -> None:
    recipe = a_recipe(prompt="eine rote Katze, 赤い猫", seeds=(4, 5))
    Image.new("RGB", (1, 1)).save(file, pnginfo=pnginfo(recipe, 1))

    with Image.open(file) as image:
        text = image.info["parameters"]

    assert text.startswith("eine rote Katze, 赤い猫\nSteps: 20")
    assert "Seed: 5," in text


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n rubbish"])
def test_what_is_no_picture_has_no_recipe(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.png").write_bytes(content)

    assert read(tmp_path / "file.png") is None


def test_pictures_of_other_programs_have_no_recipe(tmp_path: Path) -> None:
    foreign = PngInfo()
    foreign.add_text("easel", '{"prompt": "not all of a recipe"}')
    Image.new("RGB", (1, 1)).save(tmp_path / "a.png", pnginfo=foreign)
    Image.new("RGB", (1, 1)).save(tmp_path / "b.png")
    Image.new("RGB", (1, 1)).save(tmp_path / "c.jpg")

    assert [read(tmp_path / name) for name in ("a.png", "b.png", "c.jpg", "missing.png")] == [None] * 4


@pytest.mark.parametrize(
    "values",
    [
        {"seeds": ()},
        {"prompt": "x" * 5000},
        {"variation_seeds": (1,), "turned": ((2**70, 0.5),)},
        {"variation_seeds": (1,), "turned": ((1, 0.5),) * 20_000},
        {"variation_seeds": (1,), "turned": ((1, 7.0),)},
    ],
)
def test_a_recipe_that_nobody_can_have_asked_for_is_none(file: Path, values: dict[str, Any]) -> None:
    info = PngInfo()
    info.add_text("easel", a_recipe(**values).to_json())
    Image.new("RGB", (1, 1)).save(file, pnginfo=info)

    assert read_recipe(file) is None


def test_the_recipe_of_a_picture_of_easel_is_found_whole(file: Path) -> None:
    recipe = a_recipe(seeds=(4, 5), clip_skip=2)
    Image.new("RGB", (1, 1)).save(file, pnginfo=pnginfo(recipe, 1))

    found = read_recipe(file)

    assert found is not None
    assert found.program == "Easel"
    assert found.recipe == a_recipe(seeds=(5,), clip_skip=2)
    assert found.options["seed"] == 5
    assert found.options["clip_skip"] == 2
    assert "strength" not in found.options


def test_a_picture_that_a_controlnet_drew_says_how_it_follows_its_source(file: Path) -> None:
    recipe = a_recipe(mode=Mode.EDGES, control="canny-sd15", strength=0.25, source="ab" * 32)
    Image.new("RGB", (1, 1)).save(file, pnginfo=pnginfo(recipe, 0))

    found = read_recipe(file)

    assert found is not None
    assert found.options.items() >= {"mode": Mode.EDGES, "control": "canny-sd15", "strength": 0.25}.items()
    assert "source" not in found.options


def test_a_larger_picture_says_that_it_was_made_larger_and_how_much(file: Path) -> None:
    recipe = a_recipe(mode=Mode.UPSCALE, prompt="", scale=2.0, source="ab" * 32)
    Image.new("RGB", (1, 1)).save(file, pnginfo=pnginfo(recipe, 0))

    found = read_recipe(file)

    assert found is not None
    assert found.options.items() >= {"mode": Mode.UPSCALE, "scale": 2.0, "prompt": ""}.items()
    assert not {"source", "size"} & found.options.keys()


A1111 = "a red cat, 赤い猫\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 3, Size: 64x64"


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + A1111.encode("utf-16-be"),
        b"UNICODE\0" + A1111.encode("utf-16-le"),
        b"ASCII\0\0\0" + A1111.encode(),
    ],
)
def test_other_formats_hold_it_as_a_comment(tmp_path: Path, suffix: str, comment: bytes) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = comment
    Image.new("RGB", (1, 1)).save(tmp_path / f"picture.{suffix}", exif=exif)

    found = read_recipe(tmp_path / f"picture.{suffix}")

    assert found is not None
    assert found.program == "AUTOMATIC1111"
    assert found.options["prompt"] == "a red cat, 赤い猫"
    assert found.options["seed"] == 3


def test_comfyui_is_asked_last(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("prompt", '{"1": {"class_type": "KSampler", "inputs": {"seed": 3, "latent_image": ["9", 0]}}}')
    Image.new("RGB", (1, 1)).save(tmp_path / "a.png", pnginfo=info)
    info.add_text("parameters", A1111)
    Image.new("RGB", (1, 1)).save(tmp_path / "b.png", pnginfo=info)

    found = [read_recipe(tmp_path / name) for name in ("a.png", "b.png")]

    assert [each.program for each in found if each is not None] == ["ComfyUI", "AUTOMATIC1111"]


def test_a_text_that_unpacks_to_too_much_tells_nothing(tmp_path: Path) -> None:
    bomb, long = PngInfo(), PngInfo()
    bomb.add_text("parameters", "a" * 50_000_000, zip=True)
    long.add_text("easel", "[" * 900_000)
    for name, info in (("bomb.png", bomb), ("long.png", long)):
        Image.new("RGB", (1, 1)).save(tmp_path / name, pnginfo=info)
        assert read_recipe(tmp_path / name) is None
    for content in (b"", b"no picture", b"\x89PNG\r\n\x1a\n rubbish"):
        (tmp_path / "rubbish.png").write_bytes(content)
        assert read_recipe(tmp_path / "rubbish.png") is None
