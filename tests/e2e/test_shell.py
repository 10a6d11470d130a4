"""`easel draw` and `easel doctor`, as an operator types them."""

import asyncio
import os
import signal
import socket
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import web
from PIL import Image, ImageChops, ImageStat

from bot.playground import Playground
from db import Reason
from generation.metadata import read
from tests.e2e.conftest import ROOT, BotProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def easel_command(folder: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `easel ARGUMENTS` in `folder`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EASEL_")}
    clean |= {"EASEL_THREADS": "1", "EASEL_DEVICE": "cpu", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    clean |= {"EASEL_HEALTH_PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments,
        cwd=folder, env=clean | {"COLUMNS": "200"} | environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(150):
        output, errors = await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()


async def test_draw_writes_the_picture_with_its_recipe_inside(tmp_path: Path) -> None:
    code, output, errors = await easel_command(
        tmp_path, "draw", "a red cat", "-o", "cats:dog:/[a]cat.png", "--seed", "0", "--steps", "2", "--count", "2"
    )
    assert code == 0, errors
    assert output.split() == ["cats:dog:/[a]cat.png", "cats:dog:/[a]cat-2.png"]
    recipe = read(tmp_path / "cats:dog:" / "[a]cat-2.png")
    assert recipe is not None
    assert (recipe.prompt, recipe.seeds, recipe.num_inference_steps) == ("a red cat", (1,), 2)


async def test_the_same_seed_draws_the_same_picture_and_an_image_is_redrawn(tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        code, _, errors = await easel_command(
            tmp_path, "draw", "a red cat", "-o", name, "--seed", "7", "--steps", "2"
        )
        assert code == 0, errors
    with Image.open(tmp_path / "one.png") as one, Image.open(tmp_path / "two.png") as two:
        assert one.tobytes() == two.tobytes()
    code, _, errors = await easel_command(
        tmp_path, "draw", "a blue cat", "--image", "one.png", "--strength", "0", "-o", "kept.png"
    )
    assert code == 0, errors
    with Image.open(tmp_path / "one.png") as one, Image.open(tmp_path / "kept.png") as kept:
        assert one.convert("RGB").tobytes() == kept.convert("RGB").tobytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a cat", "--size", "300x301"], ["300x301", "closest"]),
        (["a cat", "--strength", "0.5"], ["strength", "image"]),
        (["a cat", "--strength", "2"], ["strength", "2"]),
        (["a cat", "--image", "nothing.png"], ["nothing.png"]),
        (["a cat", "--seed", "nobody"], ["nobody"]),
        (["a cat", "--count", "9"], ["count", "9"]),
        (["   "], ["prompt"]),
        (["[cat:dog:0.5]"], ["[cat:dog:0.5]"]),
        (["a cat", "--model", "sd-9000"], ["sd-9000"]),
        (["a cat", "--model", "./no/such/folder"], ["no/such/folder"]),
    ],
)
async def test_a_wrong_value_gets_one_sentence(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    code, output, errors = await easel_command(tmp_path, "draw", *arguments)
    assert code in {1, 2}
    assert output == ""
    assert "Traceback" not in errors
    for word in words:
        assert word in errors


async def test_a_picture_grows_and_a_part_of_one_is_drawn_anew(tmp_path: Path) -> None:
    source = Image.linear_gradient("L").convert("RGB")  # 256x256, as large as the model draws
    source.save(tmp_path / "in.png")
    mask = Image.new("L", source.size, 0)
    mask.paste(255, (128, 0, 256, 256))
    mask.save(tmp_path / "mask.png")
    common = ["draw", "a red cat", "--image", "in.png", "--steps", "2", "-o", "out.png"]
    code, _, errors = await easel_command(tmp_path, *common, "--mode", "outpaint", "--direction", "left")
    assert code == 0, errors
    with Image.open(tmp_path / "out.png") as grown:
        assert grown.size == (384, 256)
        kept = ImageChops.difference(grown.crop((128, 0, 384, 256)).convert("RGB"), source)
        assert max(ImageStat.Stat(kept).mean) < 6  # the watermark, in the blue
    code, _, errors = await easel_command(tmp_path, *common, "--mask", "mask.png")
    assert code == 0, errors
    with Image.open(tmp_path / "out.png") as redrawn:
        left, right = (
            ImageChops.difference(redrawn.crop(box).convert("RGB"), source.crop(box))
            for box in ((0, 0, 120, 256), (136, 0, 256, 256))
        )
        assert max(ImageStat.Stat(left).mean) < 6
        assert max(ImageStat.Stat(right).mean) > 10


async def test_without_words_a_picture_is_made_larger(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), "teal").save(tmp_path / "in.png")
    code, _, errors = await easel_command(
        tmp_path, "draw", "--image", "in.png", "--mode", "upscale", "--scale", "2.5", "-o", "out.png"
    )
    assert code == 0, errors
    assert "Lanczos" in errors
    with Image.open(tmp_path / "out.png") as larger:
        assert larger.size == (160, 120)
        assert larger.getpixel((80, 60)) == (0, 128, 128)


async def test_a_picture_that_cannot_be_written_is_kept_and_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    code, _, errors = await easel_command(tmp_path, "draw", "a cat", "--steps", "1", "-o", "taken/cat.png")
    assert code == 1
    assert "taken/cat.png" in errors
    kept = Path(errors.rpartition("kept at ")[2].strip().rstrip("."))
    assert await asyncio.to_thread(kept.is_file)


async def test_beside_a_running_bot_the_bot_draws(easel: BotProcess, tmp_path: Path) -> None:
    code, output, errors = await easel_command(
        tmp_path, "draw", "a red cat", "--steps", "2", "-o", "cat.png", EASEL_DATA_DIR=str(easel.folder / "data")
    )
    assert code == 0, errors
    assert output.split() == ["cat.png"]
    assert read(tmp_path / "cat.png") is not None


def findings(output: str) -> dict[str, str]:
    """The doctor's mark ("ok" or "!!") for each subject."""
    rows = (line.split() for line in output.splitlines() if line.startswith(("ok", "!!")))
    return {subject: mark for mark, subject, *_ in rows}


async def test_doctor_finds_a_healthy_machine_healthy(tmp_path: Path) -> None:
    _, output, errors = await easel_command(tmp_path, "doctor")
    marks = findings(output)
    assert list(marks) == ["Python", "Memory", "Disk", "Token", "Database", "Device", "Model", "Files"], errors
    assert marks.pop("Disk") in {"ok", "!!"}  # this machine's disk may be full
    assert set(marks.values()) == {"ok"}, output


async def test_doctor_finds_what_was_added_and_is_broken(tmp_path: Path) -> None:
    lora = tmp_path / "data" / "models" / "loras" / "ink [old] :dog:.safetensors"
    lora.parent.mkdir(parents=True)
    lora.write_bytes(b"<html>")

    code, output, _ = await easel_command(tmp_path, "doctor", COLUMNS="200")

    assert code == 1
    assert findings(output)["Files"] == "!!"
    assert "ink [old] :dog:: " in output
    assert "is a web page" in output


def broken(database: Path, reason: Reason) -> None:
    """A file that cannot be used for this reason."""
    database.parent.mkdir()
    if reason is Reason.CORRUPT:
        database.write_bytes(b"not a database at all" * 100)
        return
    with closing(sqlite3.connect(database)) as made:
        made.execute("CREATE TABLE somebodys (own INTEGER)")


@pytest.mark.parametrize(
    ("reason", "advice"), [(Reason.CORRUPT, "easel.db.before-"), (Reason.FOREIGN, "EASEL_DATA_DIR")]
)
async def test_doctor_says_what_to_do_about_a_database(tmp_path: Path, reason: Reason, advice: str) -> None:
    broken(tmp_path / "data" / "easel.db", reason)
    code, output, errors = await easel_command(tmp_path, "doctor")
    assert code == 1
    assert errors == ""
    assert findings(output)["Database"] == "!!"
    assert reason.value in output
    assert advice in output


@pytest.mark.parametrize("command", [["run"], ["doctor"], ["draw", "a cat"]])
async def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    code, output, errors = await easel_command(tmp_path, *command, EASEL_DATA_DIR="taken/data")
    assert code == 1
    assert "Traceback" not in errors
    assert f"{tmp_path / 'taken' / 'data'}" in output + errors
    assert "EASEL_DATA_DIR" in output + errors


async def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, _, errors = await easel_command(tmp_path, "run", EASEL_PLAYGROUND_PORT=port)
    assert code == 1
    assert "Traceback" not in errors
    assert port in errors
    assert "EASEL_PLAYGROUND_PORT" in errors


async def test_a_token_that_discord_does_not_know_is_told(playground: Playground, tmp_path: Path) -> None:
    code, _, errors = await easel_command(
        tmp_path, "run", EASEL_DISCORD_TOKEN="wrong", EASEL_DISCORD_API_URL=playground.api_url
    )
    assert code == 1
    assert "Traceback" not in errors
    assert "EASEL_DISCORD_TOKEN" in errors
    assert "wrong" not in errors


async def test_a_discord_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with socket.socket() as closed:  # bound and not listening: nobody else gets the port, and it refuses
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/api/v10"
        code, _, errors = await easel_command(
            tmp_path, "run", EASEL_DISCORD_TOKEN="any", EASEL_DISCORD_API_URL=url
        )
    assert code == 1
    assert "Traceback" not in errors
    assert url in errors
    assert "EASEL_DISCORD_API_URL" in errors


async def test_an_address_where_something_else_answers_is_told(tmp_path: Path) -> None:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="<h1>It works!</h1>", content_type="text/html")

    elsewhere = web.Application()
    elsewhere.router.add_get("/{path:.*}", page)
    runner = web.AppRunner(elsewhere)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/v10"
        code, _, errors = await easel_command(
            tmp_path, "run", EASEL_DISCORD_TOKEN="any", EASEL_DISCORD_API_URL=url
        )
    finally:
        await runner.cleanup()
    assert code == 1
    assert "Traceback" not in errors
    assert f"Discord does not answer at {url} (what answers there is not Discord)" in " ".join(errors.split())


async def test_a_discord_that_goes_away_later_does_not_end_the_bot(tmp_path: Path) -> None:
    async with Playground() as first:
        bot = BotProcess(first, tmp_path)
        await bot.start()
        url = first.url
    async with Playground(port=int(url.rpartition(":")[2]), token=first.token) as second:
        ada = second.person("ada")
        await ada.wait_for(lambda: second.gateway.online or None, 60)
        assert await bot.end(signal.SIGTERM) == 0


async def test_doctor_says_what_to_do_about_a_token_that_discord_does_not_know(
    easel: BotProcess, tmp_path: Path
) -> None:
    code, output, _ = await easel_command(
        tmp_path, "doctor", EASEL_DISCORD_TOKEN="wrong", EASEL_DISCORD_API_URL=easel.playground.api_url
    )
    assert code == 1
    assert "does not know this token" in output
    assert "EASEL_DISCORD_TOKEN" in output
    assert "wrong" not in output


async def test_a_wrong_setting_is_named_before_anything_starts(tmp_path: Path) -> None:
    for command in (["run"], ["doctor"], ["draw", "a cat"]):
        code, _, errors = await easel_command(tmp_path, *command, EASEL_DEVICE="abacus")
        assert code == 2
        assert "device" in errors
        assert "abacus" in errors
    assert not (tmp_path / "data").exists()
