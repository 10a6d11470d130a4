"""Pictures that tell nothing of themselves, put into words by a captioner that the operator adds."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image

from bot.playground import Interaction, Message, Person, Playground
from tests.controls import CAPTIONERS_WORDS, small_captioner
from tests.e2e.conftest import DRAWN, BotProcess, draw, has_pictures, images, png, seen_by
from tests.e2e.test_comparing import records
from tests.e2e.test_drawing import a_landscape
from tests.e2e.test_shell import easel_command
from tests.hub import Hub

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def blip(easel: BotProcess, tmp_path: Path) -> AsyncIterator[None]:
    """A small captioner at the place where BLIP is, added by its name beside the running bot."""
    source = small_captioner(tmp_path / "source")
    cache = {"HF_HUB_CACHE": str(tmp_path / "hub")}
    with Hub(repositories={"Salesforce/blip-image-captioning-base": source}) as hub:
        online = cache | {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
        code, output, errors = await easel_command(easel.folder, "models", "add", "blip", **online)
    assert code == 0, output + errors
    assert output.startswith("blip was added: detector, kept at ")
    assert "Describe puts pictures into words with it" in output
    yield
    code, output, errors = await easel_command(easel.folder, "models", "remove", "blip", "--yes", **cache)
    assert code == 0, output + errors


async def described_to(person: Person, asked: Interaction, within: float = DRAWN) -> Message:
    """What is said in the end: the worker may have to start first."""
    await person.acknowledged(asked, 3)
    return await person.message(
        lambda message: (
            message.interaction is not None and message.interaction["id"] == str(asked.id) and not message.loading
        ),
        within,
    )


def prompts(message: Message) -> list[str]:
    [embed] = message.embeds
    numbered = [line.partition(". ") for line in str(embed["description"]).split("\n")]
    assert [number for number, _, _ in numbered] == [str(each) for each in range(1, len(numbered) + 1)]
    return [prompt for _, _, prompt in numbered]


@pytest.mark.usefixtures("blip")
async def test_a_strange_picture_is_put_into_words_and_each_of_them_is_drawn(
    easel: BotProcess, ada: Person, linus: Person
) -> None:
    described = await described_to(ada, ada.slash("describe", image=png(a_landscape())))
    words = prompts(described)
    assert described.ephemeral
    assert 2 <= len(words) == len({word.casefold() for word in words}) <= 4
    assert {word for prompt in words for word in prompt.split()} <= set(CAPTIONERS_WORDS)

    posted = linus.send("mine", files=[png(a_landscape(), "mine.png")])
    again = await described_to(ada, ada.context_menu(posted, "Describe"))
    assert prompts(again) == words  # the same picture, the same words
    other = await described_to(ada, ada.slash("describe", image=png(Image.new("RGB", (300, 200), "black"))))
    assert prompts(other) != words

    await easel.restart()
    seen = seen_by(ada)
    await ada.acknowledged(ada.press(described, "Draw 2"), 3)
    drawn = await ada.message(lambda message: has_pictures(message) and message.id not in seen, DRAWN)
    assert words[1][:40] in drawn.text
    assert "storybook" in drawn.text
    assert not drawn.ephemeral
    assert images(ada, drawn)[0].size == (256, 256)


async def accepted(easel: BotProcess, *, attempts: int) -> None:
    """Wait until the one look there is has been begun so often."""
    async with asyncio.timeout(3 * DRAWN):
        while await records(easel, "SELECT attempts FROM looks") != [(attempts,)]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # the records tell nobody when they change


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("blip")
async def test_a_description_outlives_kills_of_the_bot_while_it_waits_and_while_it_is_looked_at(
    easel: BotProcess, ada: Person
) -> None:
    await ada.acknowledged(ada.slash("imagine", prompt="a slow boat", steps=20), 3)
    asked = ada.slash("describe", image=png(a_landscape()))
    await accepted(easel, attempts=0)
    await easel.restart(signal.SIGKILL)
    await accepted(easel, attempts=1)
    await easel.restart(signal.SIGKILL)
    told = await described_to(ada, asked, 3 * DRAWN)
    assert told.id == asked.original_id
    assert told.ephemeral
    assert prompts(told)
    await draw(ada, "a moment passes", steps=1)
    assert await records(easel, "SELECT * FROM looks") == []
    answers = [seen for seen in ada.see() if seen.embeds and seen.id >= told.id]
    assert [message.id for message in answers] == [told.id]


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("blip")
async def test_a_description_whose_interaction_is_over_comes_directly_and_can_be_drawn_there(
    easel: BotProcess, playground: Playground, ada: Person, linus: Person
) -> None:
    direct, seen = ada.direct(), seen_by(linus)
    await ada.acknowledged(ada.slash("imagine", prompt="another slow boat", steps=20), 3)
    ada.slash("describe", image=png(a_landscape()))
    await accepted(easel, attempts=0)
    playground.clock.advance(15 * 60 + 1)
    told = await direct.message(lambda message: bool(message.embeds), 3 * DRAWN)
    words = prompts(told)
    before = seen_by(direct)
    await direct.acknowledged(direct.press(told, "Draw 1"), 3)
    drawn = await direct.message(lambda message: has_pictures(message) and message.id not in before, DRAWN)
    assert words[0][:40] in drawn.text
    assert not [
        each for each in linus.see() if each.id not in seen and words[0][:40] in each.text + str(each.embeds)
    ]


@pytest.mark.usefixtures("blip")
async def test_what_a_picture_of_ones_own_was_drawn_from_is_no_guess(ada: Person) -> None:
    result = await draw(ada, "a yellow sun over the sea", steps=2)
    described = await described_to(ada, ada.context_menu(result, "Describe"))
    assert "It was drawn from: **a yellow sun over the sea**" in described.text
    assert not described.embeds


@pytest.mark.usefixtures("blip")
async def test_a_captioner_is_listed_and_missed_at_once(easel: BotProcess, ada: Person) -> None:
    listed = (await easel_command(easel.folder, "models", "list"))[1]
    assert any(line.startswith("blip ") and "detector (words)" in line for line in listed.splitlines())
    code, output, errors = await easel_command(easel.folder, "models", "check", "blip")
    assert code == 0, output + errors
    assert "says: " in output
    link = easel.folder / "data" / "models" / "detectors" / "blip"
    target = link.readlink()
    link.unlink()
    try:
        told = await described_to(ada, ada.slash("describe", image=png(a_landscape())))
        assert "easel models add blip" in told.text
    finally:
        link.symlink_to(target)


@pytest.mark.usefixtures("blip")
async def test_a_damaged_captioner_is_a_sentence_and_drawing_goes_on(
    easel: BotProcess, ada: Person, tmp_path: Path
) -> None:
    for weights in (tmp_path / "hub").rglob("model.safetensors"):
        weights.resolve().write_bytes(b"damaged")
    told = await described_to(ada, ada.slash("describe", image=png(a_landscape())))
    assert (
        "blip cannot be read: ask whoever runs this bot to copy or download it again. It cost nothing."
        in told.text
    )
    await draw(ada, "a red house", steps=2)
    code, output, _ = await easel_command(easel.folder, "models", "check", "blip", COLUMNS="400")
    assert code == 1
    assert "is no safetensors file" in output
