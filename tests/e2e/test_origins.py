"""Where a picture comes from, and drawing it again, as an operator types it."""

import asyncio
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.e2e.test_shell import easel_command

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_picture_is_known_by_three_witnesses_and_drawn_again(tmp_path: Path) -> None:
    code, _, errors = await easel_command(
        tmp_path, "draw", "a red cat", "--steps", "2", "--seed", "5", "--size", "256x256", "-o", "cat.png"
    )
    assert code == 0, errors

    code, output, errors = await easel_command(tmp_path, "verify", "cat.png")
    assert code == 0, errors
    watermark, recipe, records = output.splitlines()
    assert "StableDiffusionV1" in watermark
    assert "beyond doubt" in watermark
    assert "a red cat" in recipe
    assert "it was drawn here" in records

    code, _, errors = await easel_command(tmp_path, "draw", "--recipe", "cat.png", "-o", "again.png")
    assert code == 0, errors
    with Image.open(tmp_path / "cat.png") as first, Image.open(tmp_path / "again.png") as again:
        assert first.tobytes() == again.tobytes()

    await asyncio.to_thread(_save_as_jpeg, tmp_path / "cat.png", tmp_path / "cat.jpg")
    code, output, _ = await easel_command(tmp_path, "verify", "cat.jpg")
    assert code == 0
    assert "StableDiffusionV1" in output
    assert "there is none in the file" in output
    assert "not among the pictures drawn here" in output


async def test_what_is_not_ours_is_said_to_be_so(tmp_path: Path) -> None:
    Image.new("RGB", (256, 256), "teal").save(tmp_path / "teal.png")
    (tmp_path / "text.png").write_text("no picture")
    codes = {}
    for name in ("teal.png", "text.png", "missing.png"):
        codes[name], output, errors = await easel_command(tmp_path, "verify", name)
        assert "Traceback" not in errors
        assert ("nothing tells that it was made here" in output) == (name == "teal.png")
    assert codes == {"teal.png": 1, "text.png": 2, "missing.png": 2}

    code, output, errors = await easel_command(tmp_path, "draw", "--recipe", "teal.png")
    assert (code, output) == (1, "")
    assert "teal.png tells nothing of how it was made" in errors


async def test_a_picture_of_another_program_is_drawn_and_what_differs_is_told(tmp_path: Path) -> None:
    info = PngInfo()
    text = "a red cat\nSteps: 2, Sampler: Euler a, Seed: 5, Size: 250x250, Model: storybook, VAE: nice.pt"
    info.add_text("parameters", text)
    Image.new("RGB", (8, 8)).save(tmp_path / "theirs.png", pnginfo=info)

    code, _, errors = await easel_command(
        tmp_path, "draw", "--recipe", "theirs.png", "--size", "square", "--steps", "1", "-o", "ours.png"
    )

    assert code == 0, errors
    assert "AUTOMATIC1111" in errors
    assert "VAE nice.pt" in errors


async def test_a_recipe_that_made_a_picture_larger_makes_another_one_larger(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), "teal").save(tmp_path / "in.png")
    wish = ("draw", "--image", "in.png", "--mode", "upscale", "--scale", "2.5", "-o", "up.png")
    code, _, errors = await easel_command(tmp_path, *wish)
    assert code == 0, errors

    code, _, errors = await easel_command(tmp_path, "draw", "--recipe", "up.png")
    assert code == 1
    told = "The model lanczos makes pictures larger: attach an image, or choose another model."
    assert errors.strip() == told

    code, _, errors = await easel_command(
        tmp_path, "draw", "--recipe", "up.png", "--image", "in.png", "-o", "again.png"
    )
    assert code == 0, errors
    with Image.open(tmp_path / "up.png") as first, Image.open(tmp_path / "again.png") as again:
        assert first.size == (160, 120)
        assert first.tobytes() == again.tobytes()


async def test_a_recipe_of_a_file_that_is_not_there_is_answered_so(tmp_path: Path) -> None:
    code, _, errors = await easel_command(tmp_path, "draw", "--recipe", "nothing.png")
    assert code == 1
    assert errors.strip() == "There is no file called nothing.png that can be read."


@pytest.mark.parametrize("model", ["v1-5-pruned-emaonly", "dreamshaper_8"])
async def test_a_recipe_of_a_model_that_is_not_here_is_drawn_by_one_that_is(tmp_path: Path, model: str) -> None:
    info = PngInfo()
    info.add_text("parameters", f"a red cat\nSteps: 2, Sampler: Euler a, Seed: 5, Size: 256x256, Model: {model}")
    Image.new("RGB", (8, 8)).save(tmp_path / "theirs.png", pnginfo=info)

    environment = {"HF_HUB_CACHE": str(tmp_path / "hub")}  # where nothing was fetched to
    code, _, errors = await easel_command(
        tmp_path, "draw", "--recipe", "theirs.png", "-o", "ours.png", **environment
    )

    assert code == 0, errors
    assert f"The model {model} is not here; storybook draws instead." in errors


def _save_as_jpeg(source: Path, target: Path) -> None:
    with Image.open(source) as image:
        image.save(target, "JPEG", quality=90)
