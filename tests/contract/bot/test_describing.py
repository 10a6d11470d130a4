"""Describe where something puts pictures into words: in turn, in time, in private, and for what it costs."""

import asyncio
import json
from pathlib import Path

import pytest
from PIL import Image

from bot.place import Viewer
from bot.playground import Message, Person, Upload
from bot.preferences import Defaults
from tests.contract.bot.conftest import Running, Start, a_picture, answer_of, drawing, labels, result, until


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


async def left(running: Running, person: Person) -> float:
    return (await running.studio.allowance(person.user.id)).left


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
        late = ada.slash("describe", image=a_picture())
        await ada.acknowledged(late, 3)
        early = linus.slash("describe", image=a_picture())
        await linus.acknowledged(early, 3)
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
        ("dies_while_describing", "Looking at this picture failed"),
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
async def test_who_waits_for_a_description_when_easel_ends_is_told(start: Start, ada: Person) -> None:
    async with start(drawing=False) as running:
        drawn = asyncio.create_task(running.studio.run())
        running.gate.close()
        ada.slash("imagine", prompt="a boat")
        await drawing(ada, "a boat")
        asked = ada.slash("describe", image=a_picture())
        await ada.acknowledged(asked, 3)
        drawn.cancel()
        told = await answer_of(ada, asked)
        assert "I am being restarted" in told.text
        await running.gate.open()


@pytest.mark.usefixtures("captioner")
async def test_hostile_uploads_are_refused_before_anything_looks_at_them(start: Start, ada: Person) -> None:
    async with start("dies_while_describing"):
        told = await answer_of(ada, ada.slash("describe", image=Upload(filename="a.png", data=b"no picture")))
        assert "a.png" in told.text
