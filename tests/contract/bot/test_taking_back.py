"""What is deleted while it is on its way to its member leaves nothing in Discord, whenever it arrives."""

from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from bot.place import Viewer
from bot.playground import Delayed, Dropped, Fault, Message, Person, Playground
from tests.contract.bot.conftest import Running, Start, drawing, result, results, until
from tests.contract.bot.test_comparing import asked, rows_of, sheets, told
from tests.contract.bot.test_delivery import QUARTER_OF_AN_HOUR, TRIES, answer_lost, generation_of

SLOW = 2.0  # seconds: what is on its way takes longer than what is done meanwhile
POSTS = r"/channels/\d+/messages"
EDITS = r"/webhooks/\d+/[^/]+/messages/.*"

Remove = Callable[[Running, Person, str], Awaitable[object]]


async def delete(running: Running, member: Person, generation_id: str) -> None:
    await running.bot.desk.history.delete(generation_id, Viewer(member_id=member.user.id))


async def erase(running: Running, member: Person, _: str) -> None:
    await running.bot.desk.mydata.erase(member.user.id)


@pytest.fixture(params=[delete, erase])
def remove(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Remove:
    monkeypatch.setattr("bot.mydata._TELLING", 0.1)
    chosen: Remove = request.param
    return chosen


def slow(playground: Playground, method: str, path: str) -> None:
    playground.faults.add(Fault(mishap=Delayed(seconds=SLOW), method=method, path=path))


async def happened(playground: Playground) -> object:
    return playground.faults.happened or None


async def handed_over(running: Running) -> None:
    """Wait until nothing is on its way any more."""

    async def over() -> object:
        return not running.bot._delivery._under_way or None

    await until(over, 30.0)


def with_words(person: Person, words: str) -> list[Message]:
    return [message for message in person.see() if words in message.text]


async def test_what_is_deleted_while_it_is_posted_is_taken_down(
    start: Start, playground: Playground, ada: Person, remove: Remove
) -> None:
    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a red cat")
        await drawing(ada, "a red cat")
        [job] = running.studio.queue()
        slow(playground, "POST", POSTS)
        await running.gate.open()
        await until(partial(happened, playground))
        await remove(running, ada, job.generation_id)
        await result(ada, "a red cat")
        await handed_over(running)
        assert not with_words(ada, "a red cat")


@pytest.mark.parametrize(("channel", "private"), [("lounge", False), ("general", True)])
async def test_what_is_deleted_while_its_waiting_message_becomes_it_is_taken_down(
    start: Start, playground: Playground, ada: Person, channel: str, private: bool
) -> None:
    there = ada.at(playground.channel(channel))
    async with start() as running:
        running.gate.close()
        there.slash("imagine", prompt="a red cat", private=private)
        await drawing(there, "a red cat")
        [job] = running.studio.queue()
        slow(playground, "PATCH", EDITS)
        await running.gate.open()
        await until(partial(happened, playground))
        await delete(running, ada, job.generation_id)
        await result(there, "a red cat")
        await handed_over(running)
        assert not with_words(there, "a red cat")


async def test_what_is_deleted_while_it_is_sent_directly_is_taken_down(
    start: Start, playground: Playground, ada: Person
) -> None:
    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a slow secret", private=True)
        await drawing(ada, "a slow secret")
        [job] = running.studio.queue()
        playground.clock.advance(QUARTER_OF_AN_HOUR)
        slow(playground, "POST", POSTS)
        await running.gate.open()
        await until(partial(happened, playground))
        await delete(running, ada, job.generation_id)
        await result(ada.direct(), "a slow secret")
        await handed_over(running)
        assert not with_words(ada.direct(), "secret")


async def test_what_arrived_unknown_to_easel_and_is_deleted_before_the_next_try_is_taken_down(
    start: Start, playground: Playground, ada: Person, remove: Remove, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery._PAUSES", (0.01,) * 1000)
    monkeypatch.setattr("bot.post._FIRST_PAUSE", 0.01)
    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a red cat")
        await drawing(ada, "a red cat")
        async with answer_lost(playground):
            await running.gate.open()
            await remove(running, ada, generation_of(await result(ada, "a red cat")))
        await handed_over(running)
        assert not with_words(ada, "a red cat")


async def test_what_arrived_before_easel_died_and_is_deleted_after_the_next_start_is_taken_down(
    start: Start, playground: Playground, ada: Person
) -> None:
    async with start() as running:
        ada.slash("imagine", prompt="a red cat")
        shown = generation_of(await result(ada, "a red cat"))
        await handed_over(running)
        async with running.database.transaction() as connection:
            await connection.execute_fetchall(
                "UPDATE deliveries SET state = 'pending', route = NULL, message_id = NULL, delivered_at = NULL"
            )
    slow(playground, "GET", POSTS)
    async with start() as running:
        await until(partial(happened, playground))
        await delete(running, ada, shown)
        await handed_over(running)
        assert not results(ada)


async def test_what_cannot_be_taken_down_at_first_is_taken_down_later(
    start: Start, playground: Playground, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery._PAUSES", (0.01,) * 1000)
    monkeypatch.setattr("bot.post._FIRST_PAUSE", 0.01)
    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a red cat")
        await drawing(ada, "a red cat")
        [job] = running.studio.queue()
        slow(playground, "POST", POSTS)
        playground.faults.add(Fault(mishap=Dropped(), method="DELETE", count=2 * TRIES + 1))
        await running.gate.open()
        await until(partial(happened, playground))
        await delete(running, ada, job.generation_id)
        await result(ada, "a red cat")
        await handed_over(running)
        assert not with_words(ada, "a red cat")


async def test_a_sheet_that_is_deleted_while_it_is_posted_is_taken_down(
    start: Start, playground: Playground, ada: Person
) -> None:
    async with start() as running:
        running.gate.close()
        ada.press(await asked(ada, seed="1, 2"), "Draw")
        await told(ada, "0 of 2 done")
        slow(playground, "POST", POSTS)
        await running.gate.open()
        await until(partial(happened, playground), 60.0)
        async with running.database.reading() as connection:
            [(sheet_id,)] = await connection.execute_fetchall("SELECT id FROM sheets")
        await running.bot.desk.sheets.delete(sheet_id, Viewer(member_id=ada.user.id))
        await ada.wait_for(lambda: sheets(ada) or None)
        await handed_over(running)
        assert not sheets(ada)
        assert await rows_of(running, "sheets") == 0
