"""The commands that look things up, and Discord's document over everything that was sent."""

import pytest

from bot.playground import Person, Playground
from tests.e2e.conftest import answer_of, draw, generation_id, images, result_after, schema_path, seen_by

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_history_is_ones_own_newest_first_and_pages(ada: Person, linus: Person) -> None:
    for number in range(7):
        await draw(linus, f"linus draws {number}", steps=1)
    page = await linus.answer(linus.slash("history"))
    assert page.ephemeral
    positions = [page.text.index(f"linus draws {number}") for number in (6, 5, 4)]
    assert positions == sorted(positions)
    await linus.acknowledged(linus.press(page, "Older"), 3)
    older = await linus.message(lambda message: message.ephemeral and "linus draws 1" in message.text)
    assert "linus draws 6" not in older.text
    assert "linus draws" not in (await ada.answer(ada.slash("history"))).text


async def test_show_brings_the_picture_and_its_recipe_back(ada: Person) -> None:
    result = await draw(ada, "a lonely lighthouse", seed="9")
    shown = await ada.answer(ada.slash("show", id=generation_id(result)))
    assert "a lonely lighthouse" in shown.text
    assert "seed 9" in shown.text
    assert [image.tobytes() for image in images(ada, shown)] == [image.tobytes() for image in images(ada, result)]


async def test_seeds_have_names(ada: Person, linus: Person) -> None:
    result = await draw(ada, "a red cat", seed="1234")
    await ada.answer(ada.slash("seed save", name="cosy", seed=generation_id(result)))
    listed = await ada.answer(ada.slash("seed list"))
    assert "cosy" in listed.text
    assert "1234" in listed.text
    offered = await ada.suggestions("imagine", "seed", "co", prompt="a cat")
    assert "cosy" in {choice["value"] for choice in offered} | {choice["name"] for choice in offered}
    assert not await linus.suggestions("imagine", "seed", "co", prompt="a cat")
    assert "seed 1234" in (await draw(ada, "a blue cat", seed="Cosy")).text
    seen = seen_by(ada)
    await ada.acknowledged(ada.slash("seed use", name="cosy", prompt="a green cat"), 3)
    assert "seed 1234" in (await result_after(ada, seen)).text
    await ada.answer(ada.slash("seed delete", name="cosy"))
    assert "cosy" in (await answer_of(ada, ada.slash("imagine", prompt="a cat", seed="cosy"))).text


async def test_queue_tells_places_and_hides_what_others_asked_for(ada: Person, linus: Person) -> None:
    await ada.answer(ada.slash("imagine", prompt="a slow river", steps=100, count=2))
    await linus.answer(linus.slash("imagine", prompt="a hidden door", steps=1, private=True))
    answer = await ada.answer(ada.slash("queue"))
    assert answer.ephemeral
    assert "a slow river" in answer.text
    assert "hidden door" not in answer.text
    await ada.acknowledged(ada.press(answer, "Cancel"), 3)
    await ada.message(lambda message: "a slow river" in message.text and "cost nothing" in message.text, 60)


async def test_info_names_what_draws_and_what_is_left(ada: Person) -> None:
    await draw(ada, steps=1)
    answer = await ada.answer(ada.slash("info"))
    for part in ("cpu", "float", "storybook", "drawing time"):
        assert part in answer.text.lower()


async def test_help_shows_examples(ada: Person) -> None:
    answer = await ada.answer(ada.slash("help"))
    assert answer.ephemeral
    assert "/imagine prompt: a red cat on the beach" in answer.text


@pytest.mark.parametrize("focused", ["model", "style", "size", "seed"])
@pytest.mark.parametrize("text", ["", "s", "x" * 100, "%_'\"\\", "🐈"])
async def test_autocomplete_never_fails(ada: Person, focused: str, text: str) -> None:
    choices = await ada.suggestions("imagine", focused, text, prompt="a cat")
    assert len(choices) <= 25
    if not text and focused != "seed":  # who typed nothing is offered everything there is
        assert choices


async def test_the_command_set_is_the_one_of_the_product(ada: Person) -> None:
    offered = {command["name"]: command for command in ada.offered() if command["type"] == 1}
    assert set(offered) >= {
        "imagine", "compare", "reroll", "history", "show", "queue", "seed", "models", "styles", "settings", "info",
        "help",
    }  # fmt: skip
    assert {option["name"] for option in offered["seed"]["options"]} == {"save", "list", "use", "delete"}
    assert [option["name"] for option in offered["imagine"]["options"]] == [
        "prompt", "negative_prompt", "model", "style", "size", "count", "image", "strength", "mask", "mode",
        "steps", "guidance", "scheduler", "seed", "private",
    ]  # fmt: skip


async def test_discord_would_have_taken_every_body_that_was_sent(playground: Playground, ada: Person) -> None:
    if schema_path() is None:
        pytest.skip("Discord's OpenAPI document is not here; see CONTRIBUTING.md")
    await draw(ada)
    assert playground.violations == []
