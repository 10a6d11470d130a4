"""What is kept about a member is theirs: all of it to take along, all of it gone, nothing of anybody else's."""

import asyncio
import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from bot import mydata
from bot.place import Viewer
from bot.playground import Message, Person
from tests.contract.bot.conftest import Start, a_picture, answer_of, drawing, labels, result

SURE = "Delete everything"


def unzipped(person: Person, message: Message) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for attachment in message.attachments:
        with zipfile.ZipFile(BytesIO(person.download(attachment))) as zipped:
            files |= {name: zipped.read(name) for name in zipped.namelist()}
    return files


async def delete_everything(person: Person) -> Message:
    question = await person.answer(person.slash("mydata delete"))
    person.press(question, SURE)
    return await person.message(lambda message: message.id == question.id and "is deleted" in message.text, 30)


def files_of(folder: Path) -> set[str]:
    return {file.name for file in (folder / "pictures").rglob("*.png")}


async def test_an_export_holds_records_pictures_and_sources_of_its_member_alone(
    start: Start, ada: Person, linus: Person
) -> None:
    async with start():
        ada.slash("imagine", prompt="a red cat", image=a_picture())
        drawn = await result(ada, "a red cat")
        linus.slash("imagine", prompt="a blue fish")
        await result(linus, "a blue fish")
        await ada.answer(ada.slash("seed save", name="cosy", seed="7"))
        answer = await ada.answer(ada.slash("mydata export"))
        assert answer.ephemeral
        files = unzipped(ada, answer)
        records: dict[str, list[dict[str, Any]]] = json.loads(files["records.json"])
        assert [row["prompt"] for row in records["generations"]] == ["a red cat"]
        assert [row["name"] for row in records["seeds"]] == ["cosy"]
        [attachment] = drawn.attachments
        assert files[f"pictures/{attachment.filename}"] == ada.download(attachment)
        assert f"sources/{records['generations'][0]['source']}.png" in files
        assert len(files) == 3
        assert "blue fish" not in str(records)


async def test_an_export_is_split_where_discord_takes_no_more_and_tells_what_is_left_out(
    start: Start, ada: Person
) -> None:
    async with start() as running:
        for number in range(12):
            ada.slash("imagine", prompt=f"cat {number}")
            await result(ada, f"cat {number}")
        ada.slash("imagine", prompt="a face", image=a_picture())
        await result(ada, "a face")
        export = running.bot.desk.mydata.export
        sizes = [len(part.data) for part in await export(ada.user.id, limit=10**7)]
        limit = sizes[0] // 8
        parts = await export(ada.user.id, limit=limit)
        assert len(parts) > 1
        assert all(len(part.data) <= limit for part in parts)
        names: list[str] = []
        for part in parts:
            with zipfile.ZipFile(BytesIO(part.data)) as zipped:
                assert zipped.testzip() is None
                names += zipped.namelist()
        assert sum(name.startswith("pictures/") for name in names) + parts[-1].left_out == 13
        assert sum(name.startswith("sources/") for name in names) + parts[-1].sources_left_out == 1
        assert len(names) == len(set(names))
        assert not any(part.left_out for part in parts[:-1])


async def test_an_export_waits_for_no_other_reading(start: Start, ada: Person) -> None:
    async with start() as running, running.database.reading(), asyncio.timeout(20):
        assert await asyncio.create_task(running.bot.desk.mydata.export(ada.user.id, limit=10**7))


async def test_a_deletion_that_is_refused_is_asked_again(
    start: Start, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mydata, "_TRIES", 0)
    async with start():
        question = await ada.answer(ada.slash("mydata delete"))
        refused = await answer_of(ada, ada.press(question, SURE))
        assert "nothing was deleted" in refused.text
        asked = ada.now(question)
        assert asked is not None
        assert (asked.text, labels(asked)) == (question.text, {SURE, "Keep it"})


async def test_somebody_of_whom_nothing_is_kept_gets_an_export_that_says_so(start: Start, ada: Person) -> None:
    async with start():
        files = unzipped(ada, await ada.answer(ada.slash("mydata export")))
        assert json.loads(files["records.json"]) == {}


async def test_deleting_asks_first_and_keeping_keeps(start: Start, ada: Person) -> None:
    async with start():
        ada.slash("imagine", prompt="a red cat")
        await result(ada, "a red cat")
        question = await ada.answer(ada.slash("mydata delete"))
        assert question.ephemeral
        assert "1 picture" in question.text
        assert "cannot be undone" in question.text
        await ada.acknowledged(ada.press(question, "Keep it"), 3)
        kept = await ada.message(lambda message: message.id == question.id and "Nothing" in message.text)
        assert not labels(kept)
        assert "a red cat" in (await ada.answer(ada.slash("history"))).text


async def test_deleting_leaves_nothing_of_the_member_and_everything_of_others(
    start: Start, ada: Person, linus: Person, tmp_path: Path
) -> None:
    async with start() as running:
        shared = a_picture()
        linus.slash("imagine", prompt="a blue fish", image=shared)
        fish = await result(linus, "a blue fish")
        others = files_of(tmp_path)
        ada.slash("imagine", prompt="a zyzzyva", image=shared)
        drawn = await result(ada, "a zyzzyva")
        await ada.answer(ada.slash("seed save", name="cosy", seed="7"))
        linus.press(drawn, "Re-roll")
        child = await linus.message(lambda message: message.id > drawn.id and bool(message.attachments))
        assert "zyzzyva" in (await answer_of(linus, linus.slash("history", member=ada.user.id))).text
        kept = files_of(tmp_path) - {drawn.attachments[0].filename}
        gone = await delete_everything(ada)
        assert not labels(gone)
        assert files_of(tmp_path) == kept
        assert others < kept
        async with running.database.reading() as connection:
            for table in ("generations", "jobs", "charges", "seeds", "allowances", "stars"):
                rows = await connection.execute_fetchall(
                    f"SELECT count(*) FROM {table} WHERE member_id = :member_id",  # noqa: S608
                    {"member_id": ada.user.id},
                )
                assert [tuple(row) for row in rows] == [(0,)], table
        assert "no saved seeds" in (await ada.answer(ada.slash("seed list"))).text
        assert "a blue fish" in (await linus.answer(linus.slash("show", id=fish.attachments[0].filename))).text
        assert "zyzzyva" in (await linus.answer(linus.slash("show", id=child.attachments[0].filename))).text
        refused = await answer_of(ada, ada.press(drawn, "Star"))
        assert "no picture" in refused.text
    assert str(ada.user.id).encode() not in (tmp_path / "easel.db").read_bytes()


async def test_what_waits_and_what_is_being_drawn_is_cancelled_before_it_goes(
    start: Start, ada: Person, linus: Person, tmp_path: Path
) -> None:
    async with start("waits_for_cancel") as running:
        ada.slash("imagine", prompt="a slow river")
        await drawing(ada, "a slow river")
        ada.slash("imagine", prompt="a second river")
        await ada.message(lambda message: "a second river" in message.text)
        question = await ada.answer(ada.slash("mydata delete"))
        assert "is cancelled: 2 requests." in question.text
        ada.press(question, SURE)
        await ada.message(lambda message: message.id == question.id and "is deleted" in message.text, 30)
        for prompt in ("a slow river", "a second river"):
            assert "cost nothing" in (await ada.message(lambda message, p=prompt: p in message.text)).text
        assert running.studio.queue() == ()
        assert files_of(tmp_path) == set()
        linus.slash("imagine", prompt="a blue fish")  # and Easel draws on
        await drawing(linus, "a blue fish")


async def test_nobody_deletes_for_somebody_else(start: Start, ada: Person, linus: Person) -> None:
    async with start() as running:
        linus.slash("imagine", prompt="a blue fish")
        await result(linus, "a blue fish")
        question = await ada.answer(ada.slash("mydata delete"))
        button = next(button for button in question.buttons if button["label"] == SURE)
        button["custom_id"] = button["custom_id"].replace(str(ada.user.id), str(linus.user.id))
        refused = await answer_of(ada, ada.press(question, SURE))
        assert "somebody else's" in refused.text
        assert (await running.bot.desk.mydata.holdings(linus.user.id)).pictures == 1


async def test_being_forgotten_is_no_way_to_a_new_allowance(start: Start, ada: Person) -> None:
    async with start(capacity=10_000.0) as running:
        ada.slash("imagine", prompt="a red cat")
        await result(ada, "a red cat")
        async with running.database.transaction() as connection:
            await connection.execute_fetchall("UPDATE allowances SET balance = 3.0")
        for _ in range(2):  # nor is being forgotten twice
            await delete_everything(ada)
        assert (await running.studio.allowance(Viewer(member_id=ada.user.id))).left < 100


async def test_a_deletion_can_be_asked_again_and_is_the_same(start: Start, ada: Person) -> None:
    async with start():
        question = await ada.answer(ada.slash("mydata delete"))
        assert "0 pictures" in question.text
        await delete_everything(ada)
        await delete_everything(ada)
