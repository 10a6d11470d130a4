"""A finished picture reaches its member whatever has expired, gone or failed on its way, and reaches them once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO

import pytest
from PIL import ExifTags, Image

import db
from bot import wording
from bot.attachments import Correction
from bot.place import Address, Viewer
from bot.playground import Dropped, Failure, Fault, Message, Moment, Person, Playground, RateLimited, Upload
from bot.results import Results
from bot.ways import Addressee
from generation import Request
from tests.contract.bot.conftest import (
    Running,
    Start,
    answer_of,
    drawing,
    is_result,
    labels,
    result,
    results,
    until,
)
from tests.contract.bot.test_comparing import asked, is_sheet, rows_of, sheets, the_sheet, told

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


async def test_a_result_is_an_ordinary_message_and_its_waiting_message_goes(start: Start, ada: Person) -> None:
    async with start() as running:
        running.gate.close()
        asked = ada.slash("imagine", prompt="a red cat")
        waiting = await drawing(ada, "a red cat")
        assert waiting.id == asked.original_id
        await running.gate.open()
        message = await result(ada, "a red cat")
        assert message.interaction is None
        assert message.content.startswith("**a red cat**\n-# some-model · seed ")
        await ada.wait_for(lambda: ada.now(waiting) is None)
        assert await delivered(running, only_generation(ada)) == "channel"


async def test_a_member_without_an_avatar_is_served_like_any_other(start: Start, linus: Person) -> None:
    assert linus.user.avatar is None
    async with start():
        linus.slash("imagine", prompt="a red cat")
        first = await result(linus, "a red cat")
        linus.send("a blue cat", reply_to=first)
        await result(linus, "a blue cat")


async def test_an_expired_interaction_loses_nothing(start: Start, playground: Playground, ada: Person) -> None:
    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a slow cat")
        waiting = await drawing(ada, "a slow cat")
        playground.clock.advance(QUARTER_OF_AN_HOUR)
        await running.gate.open()
        await result(ada, "a slow cat")
        # The bot's own token removes what the interaction's no longer can.
        await ada.wait_for(lambda: ada.now(waiting) is None)


async def test_where_the_bot_may_not_post_the_waiting_message_becomes_the_result(
    start: Start, playground: Playground, ada: Person
) -> None:
    async with start() as running:
        for channel in ("notices", "lounge"):
            there = ada.at(playground.channel(channel))
            asked = there.slash("imagine", prompt="a red cat")
            message = await result(there, "a red cat")
            assert message.id == asked.original_id
            assert await delivered(running, only_generation(there)) == "interaction"


async def test_where_the_bot_may_not_post_and_the_interaction_is_over_it_writes_directly(
    start: Start, playground: Playground, ada: Person
) -> None:
    lounge = ada.at(playground.channel("lounge"))
    async with start() as running:
        running.gate.close()
        lounge.slash("imagine", prompt="a slow cat")
        await drawing(lounge, "a slow cat")
        playground.clock.advance(QUARTER_OF_AN_HOUR)
        await running.gate.open()
        await result(ada.direct(), "a slow cat")
        assert not results(lounge)


async def test_who_takes_no_direct_messages_finds_it_in_the_history(start: Start, playground: Playground) -> None:
    mina = playground.person("mina").at(playground.channel("notices"))
    async with start() as running:
        running.gate.close()
        mina.slash("imagine", prompt="a slow cat")
        await drawing(mina, "a slow cat")
        [job] = running.studio.queue()
        playground.clock.advance(QUARTER_OF_AN_HOUR)
        await running.gate.open()
        assert await delivered(running, job.generation_id) == "history"
        page = await mina.answer(mina.slash("history"))
        assert "a slow cat" in page.text


async def test_a_private_result_never_goes_to_the_channel(
    start: Start, playground: Playground, ada: Person, linus: Person
) -> None:
    async with start() as running:
        quick = ada.slash("imagine", prompt="a quick secret", private=True)
        assert (await result(ada, "a quick secret")).id == quick.original_id
        running.gate.close()
        ada.slash("imagine", prompt="a slow secret", private=True)
        await drawing(ada, "a slow secret")
        playground.clock.advance(QUARTER_OF_AN_HOUR)
        await running.gate.open()
        await result(ada.direct(), "a slow secret")
        assert not [message for message in linus.see() if "secret" in message.text]


async def test_a_deleted_waiting_message_holds_nothing_up(
    start: Start, playground: Playground, ada: Person, grace: Person
) -> None:
    async with start() as running:
        for person, channel in ((ada, "general"), (ada, "lounge")):
            there = person.at(playground.channel(channel))
            running.gate.close()
            there.slash("imagine", prompt="a lonely cat")
            waiting = await drawing(there, "a lonely cat")
            playground.world.delete(waiting)
            await running.gate.open()
            await result(there, "a lonely cat")


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


async def test_what_ended_while_nobody_could_be_told_is_delivered_at_the_next_start(
    start: Start, playground: Playground, ada: Person
) -> None:
    async def faults_happened() -> object:
        return playground.faults.happened or None

    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a red cat")
        waiting = await drawing(ada, "a red cat")
        gone = Fault(mishap=Failure(status=503), method="POST", path=r"/channels/\d+/messages", count=10)
        playground.faults.add(gone)
        await running.gate.open()
        await until(faults_happened)
    playground.faults.clear()
    assert not results(ada)
    async with start():
        await result(ada, "a red cat")
        await ada.wait_for(lambda: ada.now(waiting) is None)
    async with start(drawing=False):
        pass
    assert len(results(ada)) == 1


async def test_who_dies_before_the_waiting_message_is_gone_removes_it_at_the_next_start(
    start: Start, playground: Playground, ada: Person
) -> None:
    async def tried() -> object:
        return playground.faults.happened or None

    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a red cat")
        waiting = await drawing(ada, "a red cat")
        playground.faults.add(Fault(mishap=Failure(status=503), method="DELETE", count=100))
        await running.gate.open()
        await until(tried)
    playground.faults.clear()
    assert ada.now(waiting) is not None
    async with start() as running:
        await ada.wait_for(lambda: ada.now(waiting) is None)
        assert await delivered(running, only_generation(ada)) == "channel"


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


async def test_a_sheet_and_a_result_come_in_the_order_of_their_ends_also_after_a_restart(
    start: Start, playground: Playground, ada: Person, linus: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery._PAUSES", (0.01,) * 100)
    monkeypatch.setattr("bot.post._FIRST_PAUSE", 0.01)

    async def all_ended() -> list[str] | None:
        async with running.database.reading() as connection:
            due = await db.deliveries.due(connection)
        return due if len(due) == 4 else None

    async with start() as running:
        running.gate.close()
        linus.slash("imagine", prompt="a first cat")
        await drawing(linus, "a first cat")
        linus.slash("imagine", prompt="a second cat")
        await linus.message(lambda message: "a second cat" in message.text and "Next in line" in message.text)
        ada.press(await asked(ada, seed="1, 2"), "Draw")
        await told(ada, "0 of 2 done")
        linus.slash("imagine", prompt="a last cat")
        await linus.message(lambda message: "a last cat" in message.text and "queue" in message.text)
        playground.faults.add(Fault(mishap=Failure(status=503), path=r"/(channels|webhooks)/.*", count=100_000))
        await running.gate.open()
        due = await until(all_ended, 60.0)
    playground.faults.clear()
    async with start(drawing=False):
        await result(linus, "a last cat")
        shown = [message for message in ada.see() if is_result(message) or is_sheet(message)]
        assert [generation_of(message) for message in shown] == due
        assert [is_sheet(message) for message in shown] == [False, False, True, False]


async def test_results_come_in_the_order_of_their_ends_whatever_befalls_the_first(
    start: Start, playground: Playground, ada: Person, linus: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery._PAUSES", (0.01,) * 100)
    monkeypatch.setattr("bot.post._FIRST_PAUSE", 0.01)
    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a first cat")
        await drawing(ada, "a first cat")
        linus.slash("imagine", prompt="a second cat")
        await linus.message(lambda message: "Next in line" in message.text)
        playground.faults.add(
            Fault(mishap=Failure(status=503), method="POST", path=r"/channels/\d+/messages", count=9)
        )
        await running.gate.open()
        await result(ada, "a first cat")
        await result(ada, "a second cat")
        assert ["first" in message.text for message in results(ada)] == [True, False]


async def test_a_result_whose_record_cannot_be_read_keeps_no_other_back(
    start: Start, playground: Playground, ada: Person, linus: Person
) -> None:
    async with start() as running:
        ada.slash("imagine", prompt="a red cat")
        await delivered(running, generation_of(await result(ada, "a red cat")))
        linus.slash("imagine", prompt="a blue cat")
        await delivered(running, generation_of(await result(linus, "a blue cat")))
        async with running.database.transaction() as connection:
            await connection.execute_fetchall("UPDATE deliveries SET state = 'pending', route = NULL")
            await connection.execute_fetchall(
                """
                UPDATE generations SET recipe = json_set(recipe, '$.scheduler', 'none') WHERE prompt = 'a red cat'
                """
            )
    for message in results(ada):
        playground.world.delete(message)
    async with start():
        await result(linus, "a blue cat")
        ada.slash("imagine", prompt="a green cat")
        await result(ada, "a green cat")


async def test_a_waiting_job_whose_record_cannot_be_read_keeps_no_other_back(start: Start, ada: Person) -> None:
    async with start(drawing=False) as running:
        for prompt in ("a red cat", "a blue cat"):
            ada.slash("imagine", prompt=prompt)
            await ada.message(lambda message, prompt=prompt: prompt in message.text)
        async with running.database.transaction() as connection:
            await connection.execute_fetchall(
                """
                UPDATE jobs SET failure_kind = 'none'
                WHERE generation_id IN (SELECT id FROM generations WHERE prompt = 'a red cat')
                """
            )
    async with start():
        await result(ada, "a blue cat")


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


async def test_a_waiting_message_goes_on_telling_after_a_restart(start: Start, ada: Person) -> None:
    async with start(drawing=False):
        ada.slash("imagine", prompt="a patient cat")
        waiting = await ada.message(lambda message: "Next in line" in message.text)
    async with start(drawing=False):
        again = await ada.message(lambda message: "Easel was restarted; your place is kept." in message.text)
        assert again.id == waiting.id
        assert "Next in line" in again.text
    async with start() as running:
        running.gate.close()
        drawn = await drawing(ada, "a patient cat")
        assert drawn.id == waiting.id
        assert "restarted" not in drawn.text
        await running.gate.open()
        await result(ada, "a patient cat")


async def test_what_was_done_to_an_upload_is_told_with_the_result_after_restarts_too(
    start: Start, ada: Person
) -> None:
    photo, file = Image.new("RGB", (96, 64), "teal"), BytesIO()
    exif = photo.getexif()
    exif[ExifTags.Base.Orientation] = 6
    photo.save(file, "JPEG", exif=exif)
    note = wording.corrected(Correction.ROTATED)
    async with start(drawing=False):
        ada.slash("imagine", prompt="a turned cat", image=Upload(filename="photo.jpg", data=file.getvalue()))
        await ada.message(lambda message: note in message.text)
    async with start(drawing=False):
        await ada.message(lambda message: "restarted" in message.text and note in message.text)
    async with start():
        assert note in (await result(ada, "a turned cat")).text


async def test_a_failed_job_says_why_and_can_be_tried_again(start: Start, ada: Person) -> None:
    async with start("runs_out_of_memory"):
        asked = ada.slash("imagine", prompt="a vast cat")
        told = await ada.message(lambda message: "ran out of memory" in message.text)
        assert told.id == asked.original_id
        assert "It cost nothing." in told.text
        assert labels(told) == {"Re-roll", "Edit prompt"}
        pressed = ada.press(told, "Re-roll")
        again = await answer_of(ada, pressed)
        await ada.wait_for(lambda: "memory" in getattr(ada.now(again), "text", "") or None)


async def test_a_failure_is_told_when_the_interaction_is_over(
    start: Start, playground: Playground, ada: Person
) -> None:
    async with start("runs_out_of_memory") as running:
        running.gate.close()
        ada.slash("imagine", prompt="a vast cat")
        waiting = await drawing(ada, "a vast cat")
        playground.clock.advance(QUARTER_OF_AN_HOUR)
        await running.gate.open()
        told = await ada.message(lambda message: "ran out of memory" in message.text)
        assert told.id == waiting.id


async def test_a_reply_is_answered_with_a_reply_that_pings_its_author_only(
    start: Start, ada: Person, linus: Person
) -> None:
    async with start():
        ada.slash("imagine", prompt="a red cat")
        first = await result(ada, "a red cat")
        mine = linus.send("a blue cat, @everyone", reply_to=first)
        message = await result(linus, "a blue cat")
        assert message.reference is not None
        assert message.reference.message_id == mine.id
        assert message.mentions == (linus.user.id,)
        assert not message.mention_everyone
        me = message.author_id
        await linus.wait_for(lambda: all(is_result(m) for m in linus.see() if m.author_id == me) or None)
