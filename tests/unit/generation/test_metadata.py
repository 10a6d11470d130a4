"""Recipes inside PNG files."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from generation import Mode, Recipe, Scheduler
from generation.metadata import parameters, pnginfo, read
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

    text, settings_line = parameters(recipe).rsplit("\n", 1)

    assert text == "a red cat,\non the beach\nNegative prompt: fog"
    assert settings_line.startswith(
        "Steps: 30, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 0, Size: 512x768, Model: storybook, "
        "Denoising strength: 0, Version: Easel "
    )


def test_a_value_with_a_comma_is_quoted_for_other_programs() -> None:
    assert 'Model: "my, model"' in parameters(a_recipe(model="my, model"))


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
    from PIL.PngImagePlugin import PngInfo

    foreign = PngInfo()
    foreign.add_text("easel", '{"prompt": "not all of a recipe"}')
    Image.new("RGB", (1, 1)).save(tmp_path / "a.png", pnginfo=foreign)
    Image.new("RGB", (1, 1)).save(tmp_path / "b.png")
    Image.new("RGB", (1, 1)).save(tmp_path / "c.jpg")

    assert [read(tmp_path / name) for name in ("a.png", "b.png", "c.jpg", "missing.png")] == [None] * 4
