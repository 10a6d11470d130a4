"""Buttons answer in time whatever holds the records up, and Delete leaves nothing behind."""

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.playground import Delayed, Fault, Interaction, Message, Person, Playground
from tests.contract.bot.conftest import Start, a_picture, answer_of, drawing, labels, result, until


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Another process writes to the records, and nobody else can."""
    with closing(sqlite3.connect(folder / "easel.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def file_of(message: Message) -> str:
    return message.attachments[0].filename


def ask(person: Person, message: Message, what: str) -> Interaction:
    match what:
        case "reroll":
            return person.slash("reroll", id=file_of(message))
        case "seed save":
            return person.slash("seed save", name="mine", seed=file_of(message))
        case "seed delete":
            return person.slash("seed delete", name="cosy")
        case _:
            return person.press(message, what)


@pytest.mark.parametrize("what", ["Star", "Delete", "Re-roll", "reroll", "seed save", "seed delete"])
async def test_what_writes_is_acknowledged_before_it_writes(
    start: Start, ada: Person, tmp_path: Path, what: str
) -> None:
    async with start():
        ada.slash("imagine", prompt="a red cat")
        message = await result(ada, "a red cat")
        await ada.answer(ada.slash("seed save", name="cosy", seed="5"))
        with locked(tmp_path):
            asked = await ada.acknowledged(ask(ada, message, what), 3)
        if what == "Delete":
            await ada.wait_for(lambda: ada.now(message) is None)
        else:
            await answer_of(ada, asked)


@pytest.mark.parametrize("drop", [True, False])
async def test_cancelling_is_acknowledged_before_it_is_written(
    start: Start, ada: Person, linus: Person, tmp_path: Path, drop: bool
) -> None:
    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a cat in front")
        await drawing(ada, "a cat in front")
        waiting = await linus.answer(linus.slash("imagine", prompt="a cat behind"))
        if drop:
            waiting = await linus.answer(linus.slash("queue"))
        [label] = labels(waiting)
        with locked(tmp_path):
            await linus.acknowledged(linus.press(waiting, str(label)), 3)
        await linus.message(lambda message: "a cat behind" in message.text and "cost nothing" in message.text)
        await running.gate.open()
        await result(ada, "a cat in front")


async def test_the_queue_shows_a_job_no_longer_once_it_was_cancelled(start: Start, ada: Person) -> None:
    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a slow cat")
        await drawing(ada, "a slow cat")
        queue = await ada.answer(ada.slash("queue"))
        assert "a slow cat" in queue.text
        ada.press(queue, "Cancel")  # which takes its time, as nothing comes from the worker
        await ada.message(lambda message: message.id == queue.id and "nothing waits" in message.text, 20)


async def test_the_queue_shows_what_is_left_although_one_of_its_edits_overtakes_another(
    start: Start, playground: Playground, ada: Person, linus: Person
) -> None:
    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a slow cat")
        await drawing(ada, "a slow cat")
        for prompt in ("a red cat", "a blue cat"):
            await linus.answer(linus.slash("imagine", prompt=prompt))
        queue = await linus.answer(linus.slash("queue"))
        late = Fault(mishap=Delayed(seconds=1.0), method="PATCH", path=r"/webhooks/\d+/[^/]+/messages/@original")
        playground.faults.add(late)
        linus.press(queue, "1 · Cancel")

        async def on_its_way() -> object:
            return playground.faults.happened or None

        await until(on_its_way)

        def shows(*prompts: str) -> bool:
            now = linus.now(queue)
            return now is not None and set(re.findall("a (?:red|blue) cat", now.text)) == set(prompts)

        late_edit = asyncio.create_task(linus.wait_for(lambda: shows("a blue cat")))
        linus.press(queue, "2 · Cancel")
        await linus.wait_for(shows)
        await late_edit
        await linus.wait_for(shows)
        await running.gate.open()


@pytest.mark.parametrize("direct", [True, False])
async def test_delete_at_a_shown_picture_removes_the_result_as_well(
    start: Start, ada: Person, direct: bool
) -> None:
    async with start():
        there = ada.direct() if direct else ada
        there.slash("imagine", prompt="a red cat")
        message = await result(there, "a red cat")
        shown = await answer_of(there, there.slash("show", id=file_of(message)))
        await there.acknowledged(there.press(shown, "Delete"))
        await there.wait_for(lambda: there.now(message) is None)
        await there.wait_for(lambda: there.now(shown) is None)
        assert "There is no picture" in (await answer_of(there, there.slash("show", id=file_of(message)))).text


async def test_delete_works_where_the_results_message_is_gone(start: Start, ada: Person) -> None:
    async with start():
        ada.slash("imagine", prompt="a red cat")
        message = await result(ada, "a red cat")
        shown = await answer_of(ada, ada.slash("show", id=file_of(message)))
        ada.scene.world.delete(message)
        ada.press(shown, "Delete")
        await ada.message(lambda told: "is deleted for good" in told.text)


async def test_delete_is_offered_to_those_who_may(start: Start, ada: Person, linus: Person, grace: Person) -> None:
    async with start():
        ada.slash("imagine", prompt="a red cat", image=a_picture())
        name = file_of(await result(ada, "a red cat"))
        for person, offered in ((ada, True), (linus, False), (grace, True)):
            shown = await answer_of(person, person.slash("show", id=name))
            assert ("Delete" in labels(shown)) is offered


async def test_a_job_that_failed_can_be_deleted(start: Start, ada: Person) -> None:
    async with start("runs_out_of_memory"):
        asked = ada.slash("imagine", prompt="a vast cat")
        told = await ada.message(lambda message: "ran out of memory" in message.text)
        [generation_id] = {str(button["custom_id"]).rpartition(":")[2] for button in told.buttons}
        shown = await answer_of(ada, ada.slash("show", id=generation_id))
        assert labels(shown) == {"Re-roll", "Edit prompt", "Delete"}
        ada.press(shown, "Delete")
        await ada.wait_for(lambda: ada.now(told) is None)
        assert asked.original_id == told.id
