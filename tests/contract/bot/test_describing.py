"""Describe where something puts pictures into words: in turn, in time, in private, and for what it costs."""

import json
from pathlib import Path

import pytest
from PIL import Image

import db
from bot.place import Viewer
from bot.playground import Delayed, Failure, Fault, Interaction, Message, Person, Playground, Upload
from bot.preferences import Defaults
from tests.contract.bot.conftest import Running, Start, a_picture, answer_of, drawing, labels, result, until
from tests.contract.bot.test_delivery import QUARTER_OF_AN_HOUR, answer_lost
from tests.contract.bot.test_mydata import delete_everything, unzipped


@pytest.fixture
def captioner(tmp_path: Path) -> Path:
    """A captioner as far as the bot looks into one."""
    folder = tmp_path / "models" / "detectors" / "blip"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"architectures": ["BlipForConditionalGeneration"]}))
    return folder


def lines(message: Message) -> list[str]:
    [embed] = message.embeds
    return str(embed["description"]).split("\n")


async def looks(running: Running) -> list[db.LookRow]:
    async with running.database.reading() as connection:
        return await db.looks.every(connection)


async def attempts(running: Running, count: int) -> bool | None:
    """True once the one look that waits has been begun so often."""
    return [row.attempts for row in await looks(running)] == [count] or None


async def waiting(running: Running, person: Person) -> Interaction:
    """A picture that was accepted, and waits."""
    there = len(await looks(running))
    asked = person.slash("describe", image=a_picture())

    async def accepted() -> bool | None:
        return len(await looks(running)) > there or None

    await until(accepted)
    return asked


async def nothing_left(running: Running) -> None:
    """Wait until every look has been answered, and nothing of it is on record."""

    async def gone() -> bool | None:
        return not await looks(running) or None

    await until(gone)


async def left(running: Running, person: Person) -> float:
    return (await running.studio.allowance(Viewer(member_id=person.user.id))).left


async def test_without_a_captioner_it_is_said_what_the_operator_can_add(start: Start, ada: Person) -> None:
    async with start():
        told = await answer_of(ada, ada.slash("describe", image=a_picture()))
        assert told.ephemeral
        assert "Nothing is installed here that puts pictures into words" in told.text
        assert "easel models add blip" in told.text


@pytest.mark.usefixtures("captioner")
async def test_each_of_several_prompts_is_drawn_by_a_button_of_its_own_also_after_a_restart(
    start: Start, ada: Person
) -> None:
    async with start():
        wide = a_picture(Image.new("RGB", (2000, 1000), "teal"))
        described = await answer_of(ada, ada.slash("describe", image=wide))
        assert described.ephemeral
        # What the worker looks at is no larger than it has use for.
        assert lines(described) == ["1. a picture 768 wide", "2. a red cat", "3. a cat on the beach"]
        assert labels(described) == {"Draw 1", "Draw 2", "Draw 3"}
        ada.press(described, "Draw 2")
        drawn = await result(ada, "a red cat")
        assert not drawn.ephemeral
        assert len(drawn.attachments) == 1
    async with start():
        ada.press(described, "Draw 3")
        assert "some-model" in (await result(ada, "a cat on the beach")).text


@pytest.mark.usefixtures("captioner")
async def test_the_menu_of_anybodys_picture_describes_it(start: Start, ada: Person, linus: Person) -> None:
    async with start():
        posted = linus.send("look", files=[a_picture()])
        described = await ada.answer(ada.context_menu(posted, "Describe"))
        assert "2. a red cat" in lines(described)


@pytest.mark.usefixtures("captioner")
async def test_what_the_file_tells_goes_before_what_is_seen(start: Start, ada: Person) -> None:
    async with start("dies_while_describing"):
        ada.slash("imagine", prompt="a green boat")
        described = await ada.answer(ada.context_menu(await result(ada, "a green boat"), "Describe"))
        assert "It was drawn from" in described.text
        assert labels(described) == {"Draw"}


@pytest.mark.usefixtures("captioner")
async def test_what_is_seen_in_a_private_picture_is_drawn_in_private(start: Start, ada: Person) -> None:
    async with start() as running:
        desk, viewer = running.bot.desk, Viewer(member_id=ada.user.id)
        await desk.preferences.put(viewer, Defaults(private=True))
        ada.slash("outpaint", image=a_picture(), direction="right")
        larger = await ada.message(lambda message: bool(message.attachments) and "Re-roll" in labels(message))
        assert larger.ephemeral
        described = await ada.answer(ada.context_menu(larger, "Describe"))
        await desk.preferences.put(viewer, Defaults(private=False))
        ada.press(described, "Draw 2")
        assert (await result(ada, "a red cat")).ephemeral


@pytest.mark.usefixtures("captioner")
async def test_a_description_takes_its_turn_among_the_jobs(start: Start, ada: Person, linus: Person) -> None:
    async with start() as running:
        running.gate.close()
        for prompt in ("first", "second", "third"):
            ada.slash("imagine", prompt=prompt)
        await drawing(ada, "first")
        late = await waiting(running, ada)
        early = await waiting(running, linus)
        assert [line.prompt for line in running.studio.queue()] == ["first", "second", "third"]
        await running.gate.open()
        running.gate.close()

        # Who was served least comes first: the second picture is held up at the gate.
        assert "2. a red cat" in lines(await answer_of(linus, early))
        await drawing(ada, "second")
        # What one member asked for comes in the order of the asking.
        await running.gate.open()
        assert "2. a red cat" in lines(await answer_of(ada, late))
        assert running.studio.queue() == ()


@pytest.mark.usefixtures("captioner")
async def test_a_description_costs_what_it_took_and_nothing_where_nothing_came_of_it(
    start: Start, ada: Person, linus: Person
) -> None:
    async with start(capacity=20.0) as running:
        before = await left(running, ada)
        await answer_of(ada, ada.slash("describe", image=a_picture()))

        async def charged() -> bool | None:
            return await left(running, ada) < before or None

        await until(charged)
        assert await left(running, ada) == pytest.approx(before - 0.25, abs=0.05)
    async with start("finds_no_words", capacity=20.0) as running:
        told = await answer_of(linus, linus.slash("describe", image=a_picture()))
        assert "found no words for it" in told.text
        assert await left(running, linus) == 20.0
    async with start(capacity=5.0) as running:
        refused = await answer_of(linus, linus.slash("describe", image=a_picture()))
        assert "drawing time" in refused.text or refused.embeds


@pytest.mark.usefixtures("captioner")
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("dies_while_describing", "took the drawing process down twice, so it was set aside. It cost nothing."),
        ("cannot_describe", "blip cannot be read: ask. It cost nothing."),
    ],
)
async def test_a_description_that_fails_is_one_sentence_and_what_waits_goes_on(
    start: Start, ada: Person, linus: Person, how: str, words: str
) -> None:
    async with start(how) as running:
        told = await answer_of(ada, ada.slash("describe", image=a_picture()))
        assert words in told.text
        assert "\n" not in told.text
        assert await left(running, ada) == 10_000.0
        linus.slash("imagine", prompt="a green boat")
        assert len((await result(linus, "a green boat")).attachments) == 1


@pytest.mark.usefixtures("captioner")
async def test_what_waits_to_be_described_keeps_its_turn_over_restarts_and_is_answered_once(
    start: Start, ada: Person, linus: Person, tmp_path: Path
) -> None:
    async with start(drawing=False) as running:
        late = await waiting(running, ada)
        early = await waiting(running, linus)
    for _ in range(2):
        async with start(drawing=False) as running:
            assert [row.attempts for row in await looks(running)] == [0, 0]
    async with start() as running:
        told = await answer_of(ada, late)
        assert told.id == late.original_id
        assert "2. a red cat" in lines(told)
        assert "2. a red cat" in lines(await answer_of(linus, early))
        await nothing_left(running)
        assert await left(running, ada) == pytest.approx(10_000.0 - 0.25, abs=0.05)
    before = len(ada.see())
    async with start():
        pass
    assert len(ada.see()) == before
    assert not list((tmp_path / "pictures" / "sources").iterdir())


@pytest.mark.usefixtures("captioner")
async def test_easel_that_ends_while_it_looks_counts_no_attempt(start: Start, ada: Person) -> None:
    async with start("stalls_while_describing") as running:
        asked = ada.slash("describe", image=a_picture())
        await until(lambda: attempts(running, 1))
    async with start(drawing=False) as running:
        await until(lambda: attempts(running, 0))
    async with start() as running:
        assert "2. a red cat" in lines(await answer_of(ada, asked))


@pytest.mark.usefixtures("captioner")
async def test_a_picture_that_was_being_looked_at_when_easel_died_twice_is_set_aside(
    start: Start, ada: Person
) -> None:
    async with start(drawing=False) as running:
        asked = await waiting(running, ada)
        async with running.database.transaction() as connection:
            [row] = await db.looks.every(connection)
            for _ in range(2):
                await db.looks.begin_attempt(connection, row.id)
    async with start() as running:
        assert "was set aside" in (await answer_of(ada, asked)).text
        await nothing_left(running)
        assert await left(running, ada) == 10_000.0


@pytest.mark.usefixtures("captioner")
async def test_a_captioner_that_goes_while_pictures_wait_is_told(
    start: Start, ada: Person, captioner: Path
) -> None:
    async with start(drawing=False) as running:
        asked = await waiting(running, ada)
    (captioner / "config.json").unlink()
    async with start() as running:
        assert "Nothing is installed here" in (await answer_of(ada, asked)).text
        await nothing_left(running)


@pytest.mark.usefixtures("captioner")
async def test_an_expired_interaction_is_answered_directly_and_never_in_the_channel(
    start: Start, playground: Playground, ada: Person, linus: Person
) -> None:
    async with start(drawing=False) as running:
        await waiting(running, ada)
    seen = len(ada.see())
    playground.clock.advance(QUARTER_OF_AN_HOUR)
    async with start() as running:
        direct = ada.direct()
        told = await direct.message(lambda message: bool(message.embeds))
        assert lines(told)[1] == "2. a red cat"
        assert labels(told) == {"Draw 1", "Draw 2", "Draw 3"}
        await nothing_left(running)
        assert await left(running, ada) < 10_000.0
    async with start() as running:
        assert len(ada.see()) == seen
        assert not [message for message in linus.see() if message.embeds]
        direct.press(told, "Draw 3")
        assert "a cat on the beach" in (await result(direct, "a cat on the beach")).text


@pytest.mark.usefixtures("captioner")
async def test_a_direct_conversation_keeps_its_answer_where_it_was_asked(
    start: Start, playground: Playground, ada: Person
) -> None:
    direct = ada.direct()
    async with start(drawing=False) as running:
        asked = await waiting(running, direct)
    playground.clock.advance(QUARTER_OF_AN_HOUR)
    async with start() as running:
        told = await direct.message(lambda message: bool(message.embeds))
        assert told.id == asked.original_id
        await nothing_left(running)


@pytest.mark.usefixtures("captioner")
async def test_a_refusal_too_is_told_when_the_interaction_is_over(
    start: Start, playground: Playground, ada: Person
) -> None:
    async with start(drawing=False) as running:
        await waiting(running, ada)
    playground.clock.advance(QUARTER_OF_AN_HOUR)
    async with start("finds_no_words") as running:
        told = await ada.direct().message(lambda message: "found no words for it" in message.text)
        assert not told.embeds
        await nothing_left(running)


@pytest.mark.usefixtures("captioner")
async def test_who_can_be_told_by_no_way_is_charged_nothing_and_asked_for_once(
    start: Start, playground: Playground
) -> None:
    mina = playground.person("mina")  # who takes no direct messages
    async with start(drawing=False) as running:
        await waiting(running, mina)
    playground.clock.advance(QUARTER_OF_AN_HOUR)
    noted = Fault(mishap=Delayed(seconds=0.0), method="POST", path=r"/channels/\d+/messages", count=100)
    playground.faults.add(noted)
    async with start() as running:
        await nothing_left(running)
        assert await left(running, mina) == 10_000.0
    async with start():
        pass
    assert len(playground.faults.happened) == 1
    assert not mina.direct().see()


@pytest.mark.usefixtures("captioner")
async def test_a_member_and_a_channel_that_are_gone_leave_nothing_behind(
    start: Start, playground: Playground, ada: Person
) -> None:
    async with start(drawing=False) as running:
        await waiting(running, ada)
    gone = [
        Fault(mishap=Failure(status=404), path=r"/webhooks/.*", count=100),
        Fault(mishap=Failure(status=403), method="POST", path=r"/users/@me/channels", count=100),
    ]
    for fault in gone:
        playground.faults.add(fault)
    async with start() as running:
        await nothing_left(running)
        assert await left(running, ada) == 10_000.0
    assert len(playground.faults.happened) <= 4  # each way is tried, and none twice


@pytest.mark.usefixtures("captioner")
async def test_words_that_arrived_before_easel_knew_of_it_are_there_once(
    start: Start, playground: Playground, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery._PAUSES", (0.01,) * 100)
    monkeypatch.setattr("bot.post._FIRST_PAUSE", 0.01)
    async with start(drawing=False) as running:
        await waiting(running, ada)
    playground.clock.advance(QUARTER_OF_AN_HOUR)
    async with start() as running:
        async with answer_lost(playground):
            await ada.direct().message(lambda message: bool(message.embeds))
        await nothing_left(running)
        assert len([message for message in ada.direct().see() if message.embeds]) == 1


@pytest.mark.usefixtures("captioner")
async def test_who_has_everything_deleted_is_told_that_nobody_looks_any_more(
    start: Start, ada: Person, tmp_path: Path
) -> None:
    async with start(drawing=False) as running:
        asked = await waiting(running, ada)
        await delete_everything(ada)
        assert "had everything about you deleted" in (await answer_of(ada, asked)).text
        assert not await looks(running)
    assert not list((tmp_path / "pictures" / "sources").iterdir())


@pytest.mark.usefixtures("captioner")
async def test_words_that_are_deleted_while_they_are_sent_are_taken_down(
    start: Start, playground: Playground, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.mydata._TELLING", 0.1)

    async def being_sent() -> object:
        return playground.faults.happened or None

    async with start(drawing=False) as running:
        await waiting(running, ada)
    playground.clock.advance(QUARTER_OF_AN_HOUR)
    late = Delayed(seconds=2.0)
    playground.faults.add(Fault(mishap=late, method="POST", path=r"/channels/\d+/messages"))
    async with start() as running:
        await until(being_sent)
        await running.bot.desk.mydata.erase(ada.user.id)
        sent = await ada.direct().message(lambda message: bool(message.embeds))
        await ada.wait_for(lambda: ada.direct().now(sent) is None)


@pytest.mark.usefixtures("captioner")
async def test_an_export_holds_the_picture_that_waits(start: Start, ada: Person) -> None:
    async with start(drawing=False) as running:
        await waiting(running, ada)
        [row] = await looks(running)
        files = unzipped(ada, await ada.answer(ada.slash("mydata export")))
        assert f"sources/{row.source}.png" in files
        assert row.id in files["records.json"].decode()
        assert (row.interaction_token or "no token") not in files["records.json"].decode()


@pytest.mark.usefixtures("captioner")
async def test_what_is_refused_leaves_no_picture_behind(start: Start, ada: Person, tmp_path: Path) -> None:
    async with start(drawing=False) as running:
        for _ in range(3):  # as many of one member's may wait
            await waiting(running, ada)
        told = await answer_of(ada, ada.slash("describe", image=a_picture()))
        assert "3" in told.text
        kept = {row.source for row in await looks(running)}
    assert {file.stem for file in (tmp_path / "pictures" / "sources").iterdir()} == kept
    assert len(kept) == 3  # though it is one and the same picture


@pytest.mark.usefixtures("captioner")
async def test_hostile_uploads_are_refused_before_anything_looks_at_them(start: Start, ada: Person) -> None:
    async with start("dies_while_describing"):
        told = await answer_of(ada, ada.slash("describe", image=Upload(filename="a.png", data=b"no picture")))
        assert "a.png" in told.text
