"""What is kept and what is gone for good, with the bot as a process: backup, restore, `/mydata`."""

import socket
import zipfile
from io import BytesIO
from pathlib import Path

import aiohttp
import pytest

from bot.playground import Playground
from tests.e2e.conftest import BotProcess, draw, generation_id, schema_path
from tests.e2e.test_shell import easel_command

pytestmark = pytest.mark.asyncio(loop_scope="session")


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


async def get(port: str, path: str) -> tuple[int, str]:
    url = f"http://127.0.0.1:{port}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def test_what_a_member_deleted_stays_deleted_when_an_older_backup_is_restored(tmp_path: Path) -> None:
    async with Playground(schema=schema_path()) as playground:
        port = free_port()
        bot = BotProcess(playground, tmp_path, EASEL_HEALTH_PORT=port)
        await bot.start()
        ada, linus = playground.person("ada"), playground.person("linus")
        drawn = await draw(ada, "a zyzzyva", steps=1)
        kept = await draw(linus, "a blue fish", steps=1)
        data_dir = str(tmp_path / "data")

        # Watched over
        assert (await get(port, "/healthz"))[0] == 200
        numbers = (await get(port, "/metrics"))[1]
        assert 'easel_jobs_total{end="finished"} 2.0' in numbers
        assert "zyzzyva" not in numbers

        # Backed up beside the running bot, which keeps a restore out
        code, output, errors = await easel_command(tmp_path, "backup", "kept.easel", EASEL_DATA_DIR=data_dir)
        assert code == 0, errors
        assert "2 generations, 2 members, 2 pictures" in output
        code, _, errors = await easel_command(tmp_path, "restore", "kept.easel", EASEL_DATA_DIR=data_dir)
        assert code == 1
        assert "running" in errors

        # Taken along, and deleted
        export = await ada.answer(ada.slash("mydata export"))
        with zipfile.ZipFile(BytesIO(ada.download(export.attachments[0]))) as zipped:
            assert zipped.read(f"pictures/{generation_id(drawn)}.png") == ada.download(drawn.attachments[0])
            assert b"zyzzyva" in zipped.read("records.json")
        question = await ada.answer(ada.slash("mydata delete"))
        await ada.acknowledged(ada.press(question, "Delete everything"), 3)
        await ada.message(lambda message: message.id == question.id and "is deleted" in message.text, 30)
        later = await draw(linus, "a later fish", steps=1)

        # Restored
        assert await bot.end() == 0
        code, output, errors = await easel_command(tmp_path, "restore", "kept.easel", EASEL_DATA_DIR=data_dir)
        assert code == 0, errors
        assert "1 generation, 1 member, 1 picture" in output
        assert "1 member had deleted their data since, so it was deleted again" in output
        assert "before-restore-" in output
        await bot.start()
        assert "a blue fish" in (await linus.answer(linus.slash("show", id=generation_id(kept)))).text
        for person, gone in ((ada, drawn), (linus, later)):
            answer = await person.answer(person.slash("show", id=generation_id(gone)))
            assert "no picture" in answer.text
        assert await bot.end() == 0
        assert playground.violations == []


async def test_a_file_that_is_no_backup_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear diary")
    for command in ("backup", "restore"):
        code, output, errors = await easel_command(tmp_path, command, "letter.txt")
        assert code == 1
        assert output == ""
        assert "Traceback" not in errors
        assert len(errors.strip().splitlines()) == 1
    assert (tmp_path / "letter.txt").read_text() == "dear diary"
