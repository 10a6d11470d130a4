"""A finished picture reaches its member whatever fails on its way, and reaches them once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

import db
from bot.place import Address, Viewer
from bot.playground import Dropped, Failure, Fault, Message, Moment, Person, Playground, RateLimited
from bot.results import Results
from bot.ways import Addressee
from generation import Request
from tests.contract.bot.conftest import Running, Start, drawing, is_result, result, results, until
from tests.contract.bot.test_comparing import asked, rows_of, sheets, the_sheet, told

QUARTER_OF_AN_HOUR = 15 * 60 + 1
TRIES = 4  # of one request, before the whole delivery is tried again


async def delivered(running: Running, generation_id: str) -> str:
    """The route, once the delivery is on record."""

    async def route() -> str | None:
        async with running.database.reading() as connection:
            row = await db.deliveries.find(connection, generation_id)
        return None if row is None else row.route

    return await until(route)


def only_generation(person: Person) -> str:
    [message] = results(person)
    return generation_of(message)


def generation_of(message: Message) -> str:
    return message.attachments[0].filename.removeprefix("compare-").rpartition(".")[0]


@pytest.mark.parametrize(
    "mishap",
    [
        Dropped(moment=Moment.BEFORE),
        Dropped(moment=Moment.DURING),
        Dropped(moment=Moment.AFTER),
        Failure(status=503),
        Failure(status=503, after_work=True),
        RateLimited(retry_after=0.1),
    ],
    ids=str,
)
async def test_a_fault_on_the_way_delivers_once(
    start: Start, playground: Playground, ada: Person, mishap: object
) -> None:
    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a red cat")
        await drawing(ada, "a red cat")
        playground.faults.add(Fault(mishap=mishap, method="POST", path=r"/channels/\d+/messages"))
        await running.gate.open()
        await result(ada, "a red cat")
        assert await delivered(running, only_generation(ada)) == "channel"
        assert len(results(ada)) == 1
        assert playground.faults.happened


@pytest.mark.parametrize("mishap", [Dropped(moment=Moment.BEFORE), Dropped(moment=Moment.AFTER)], ids=str)
async def test_a_fault_while_acknowledging_is_made_good(
    start: Start, playground: Playground, ada: Person, mishap: object
) -> None:
    async with start():
        playground.faults.add(Fault(mishap=mishap, method="POST", path=r"/interactions/.*"))
        ada.slash("imagine", prompt="a red cat")
        await result(ada, "a red cat")
        assert playground.faults.happened


async def test_a_waiting_message_that_discord_does_not_remove_at_first_is_removed_later(
    start: Start, playground: Playground, ada: Person
) -> None:
    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a red cat")
        waiting = await drawing(ada, "a red cat")
        playground.faults.add(Fault(mishap=Failure(status=503), method="DELETE", count=TRIES))
        await running.gate.open()
        await ada.wait_for(lambda: ada.now(waiting) is None, 20)
        assert await delivered(running, only_generation(ada)) == "channel"
        assert len(playground.faults.happened) == TRIES


@asynccontextmanager
async def answer_lost(playground: Playground) -> AsyncIterator[None]:
    """What is posted within arrives and nobody is told so; then Discord is away until the nonces are forgotten."""
    arrived = Failure(status=503, after_work=True)
    playground.faults.add(Fault(mishap=arrived, method="POST", path=r"/channels/.*"))
    playground.faults.add(Fault(mishap=Failure(status=503), path=r"/channels/.*", count=1000))
    yield

    async def looked_for() -> object:
        return any(method == "GET" for method, _, _ in playground.faults.happened) or None

    await until(looked_for, 20.0)
    playground.clock.advance(3600)
    playground.faults.clear()


async def test_a_result_that_arrived_before_discord_went_away_for_an_hour_is_there_once(
    start: Start, playground: Playground, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery._PAUSES", (0.01,) * 100)
    monkeypatch.setattr("bot.post._FIRST_PAUSE", 0.01)
    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a red cat")
        await drawing(ada, "a red cat")
        async with answer_lost(playground):
            await running.gate.open()
            shown = generation_of(await result(ada, "a red cat"))
        assert await delivered(running, shown) == "channel"
        assert len(results(ada)) == 1


async def test_a_direct_message_that_arrived_before_discord_went_away_for_an_hour_is_there_once(
    start: Start, playground: Playground, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery._PAUSES", (0.01,) * 100)
    monkeypatch.setattr("bot.post._FIRST_PAUSE", 0.01)
    lounge = ada.at(playground.channel("lounge"))
    async with start() as running:
        running.gate.close()
        lounge.slash("imagine", prompt="a slow cat")
        await drawing(lounge, "a slow cat")
        playground.clock.advance(QUARTER_OF_AN_HOUR)
        async with answer_lost(playground):
            await running.gate.open()
            shown = generation_of(await result(ada.direct(), "a slow cat"))
        assert await delivered(running, shown) == "direct"
        assert len(results(ada.direct())) == 1


async def test_a_sheet_that_arrived_before_discord_went_away_for_an_hour_is_there_once(
    start: Start, playground: Playground, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery._PAUSES", (0.01,) * 100)
    monkeypatch.setattr("bot.post._FIRST_PAUSE", 0.01)
    async with start() as running:
        running.gate.close()
        ada.press(await asked(ada, seed="1, 2"), "Draw")
        await told(ada, "0 of 2 done")
        async with answer_lost(playground):
            await running.gate.open()
            await the_sheet(ada)

        async def recorded() -> object:
            return await rows_of(running, "sheets WHERE state = 'delivered'") or None

        await until(recorded, 20.0)
        assert len(sheets(ada)) == 1


async def test_what_is_handed_out_as_its_end_is_found_to_go_nowhere_is_delivered(
    start: Start, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, handed_out = asyncio.Event(), asyncio.Event()
    look_up = Results.addressee

    async def slow(self: Results, key: str) -> Addressee | None:
        to = await look_up(self, key)
        task = asyncio.current_task()
        if task is not None and task.get_name() == f"delivery of {key}" and not handed_out.is_set():
            found.set()
            await handed_out.wait()
        return to

    monkeypatch.setattr(Results, "addressee", slow)
    viewer = Viewer(member_id=ada.user.id, guild_id=ada.channel.guild_id, channel_id=ada.channel.id)
    async with start() as running:
        accepted = await running.studio.submit(Request(prompt="a red cat"), viewer=viewer, address=None)
        await found.wait()
        address = Address(channel_id=ada.channel.id)
        assert await running.studio.hand_out(accepted.generation_id, viewer=viewer, address=address)
        await asyncio.sleep(0)  # Delivery hears of it
        handed_out.set()
        assert is_result(await result(ada, "a red cat"))
