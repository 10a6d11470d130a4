"""What a member does all day: draw, redraw a reply, re-roll, and all of it again after a restart."""

import asyncio
import signal
import time

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bot.playground import Message, Person, Playground
from tests.e2e.conftest import (
    DRAWN,
    BotProcess,
    allowance_back_at,
    draw,
    generation_id,
    has_pictures,
    images,
    png,
    result_after,
    seen_by,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.resize((64, 64)), dtype=np.float64) / 255


def distance(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of two pictures, 0 to 1."""
    return float(np.abs(pixels(one) - pixels(other)).mean())


def exactly(image: Image.Image) -> bytes:
    return image.tobytes()


async def reroll(person: Person, message: Message, **options: object) -> Message:
    seen = seen_by(person)
    interaction = person.slash("reroll", id=generation_id(message), **options)
    await person.acknowledged(interaction, 3)
    return await result_after(person, seen)


def a_landscape() -> Image.Image:
    """Sky above, ground below, a red block to the left: a layout that can be measured."""
    image = Image.new("RGB", (256, 256), "#87b8e8")
    drawing = ImageDraw.Draw(image)
    drawing.rectangle((0, 160, 255, 255), fill="#3f8f3f")
    drawing.rectangle((30, 100, 110, 200), fill="#c03030")
    return image


async def test_imagine_brings_an_ordinary_message_with_the_picture(ada: Person) -> None:
    result = await draw(ada, "a red cat on the beach", seed="7")
    assert result.application_id is None  # an ordinary message, so that replying to it reaches the bot
    assert len(result.attachments) == 1
    assert result.attachments[0].filename.endswith(".png")
    [image] = images(ada, result)
    assert min(image.size) >= 128
    assert "a red cat on the beach" in result.text
    assert "seed 7" in result.text
    labels = {button.get("label") for button in result.buttons}
    assert {"Re-roll", "Edit prompt", "Recipe", "Delete"} <= labels


async def test_the_waiting_message_goes_when_the_result_is_there(ada: Person) -> None:
    seen = seen_by(ada)
    interaction = ada.slash("imagine", prompt="a blue boat", steps=4)
    waiting = await ada.answer(interaction)
    assert "Cancel" in {button.get("label") for button in waiting.buttons}
    await result_after(ada, seen)
    assert await ada.wait_for(lambda: ada.now(waiting) is None or None)


async def test_a_command_is_acknowledged_within_a_second_while_the_worker_draws(
    ada: Person, linus: Person
) -> None:
    seen = seen_by(ada)
    busy = ada.slash("imagine", prompt="a house in the snow", steps=60, count=2)
    await ada.acknowledged(busy, 3)
    await ada.message(lambda message: message.id not in seen and "step" in message.text, DRAWN)
    for _ in range(5):
        started = time.monotonic()
        asked = linus.slash("imagine", prompt="a green tree", steps=1)
        await linus.acknowledged(asked, 3)
        assert time.monotonic() - started < 1.0
    await linus.message(lambda message: "a green tree" in message.text and has_pictures(message), DRAWN)
    await ada.message(lambda message: "house in the snow" in message.text and has_pictures(message), DRAWN)
    await linus.wait_for(
        lambda: not [m for m in linus.see() if "Cancel" in {b.get("label") for b in m.buttons}] or None, DRAWN
    )


async def test_every_picture_of_several_has_a_seed_of_its_own(ada: Person) -> None:
    result = await draw(ada, "a yellow sun", count=3, seed="5")
    pictures = images(ada, result)
    assert len(pictures) == 3
    first = generation_id(result)
    assert [attachment.filename for attachment in result.attachments] == [
        f"{first}.png", f"{first}-2.png", f"{first}-3.png"
    ]  # fmt: skip
    assert len({exactly(picture) for picture in pictures}) == 3
    second = await draw(ada, "a yellow sun", seed="6")
    assert distance(images(ada, second)[0], pictures[1]) < 0.01


async def test_the_same_seed_is_the_same_picture_and_a_new_one_is_another(ada: Person) -> None:
    result = await draw(ada, "a red house", seed="0")
    assert "seed 0" in result.text
    [original] = images(ada, result)
    [same] = images(ada, await reroll(ada, result, seed="same"))
    assert exactly(same) == exactly(original)
    [other] = images(ada, await reroll(ada, result, seed="new"))
    assert exactly(other) != exactly(original)


async def test_reroll_changes_what_it_is_told_to(ada: Person) -> None:
    result = await draw(ada, "a red house", seed="3")
    changed = await reroll(ada, result, seed="same", prompt="a blue house", steps=2)
    assert "a blue house" in changed.text
    assert "seed 3" in changed.text


async def test_zero_is_honoured(ada: Person) -> None:
    zero = await draw(ada, "a red cat", seed="0", guidance=0.0)
    seven = await draw(ada, "a red cat", seed="0", guidance=7.0)
    assert exactly(images(ada, zero)[0]) != exactly(images(ada, seven)[0])
    source = a_landscape()
    kept = await draw(ada, "a red cat", image=png(source), strength=0.0)
    assert distance(images(ada, kept)[0], source) < 0.02
    assert "strength 0" in kept.text


async def test_another_scheduler_draws_another_picture_of_the_same_seed(ada: Person) -> None:
    pictures = {}
    for scheduler in ("DDIM", "Euler a"):
        result = await draw(ada, "a red cat", seed="3", scheduler=scheduler)
        [pictures[scheduler]] = images(ada, result)
        recipe = await ada.answer(ada.press(result, "Recipe"))
        assert f"scheduler: {scheduler}\n" in recipe.text
    assert exactly(pictures["DDIM"]) != exactly(pictures["Euler a"])


async def test_replying_with_a_mention_redraws_with_the_layout_kept(ada: Person, linus: Person) -> None:
    source = a_landscape()
    posted = linus.send("look at this", files=[png(source, "mine.png")])
    seen = seen_by(ada)
    me = ada.scene.world.application.user.id
    ada.send(f"<@{me}> a red house in a meadow --strength 0.3 --steps 10 --seed 4", reply_to=posted)
    result = await result_after(ada, seen)
    [redrawn] = images(ada, result)
    [unrelated] = images(ada, await draw(ada, "space", seed="4", steps=10))
    assert distance(redrawn, source) < 0.5 * distance(unrelated, source)
    assert exactly(redrawn) != exactly(source)
    assert "strength 0.3" in result.text
    assert "seed 4" in result.text


async def test_replying_to_a_result_needs_no_mention_by_hand(ada: Person, linus: Person) -> None:
    result = await draw(ada, "a red house", seed="1")
    seen = seen_by(linus)
    linus.send("a blue house --strength 0.5 --steps 8", reply_to=result)
    redrawn = await result_after(linus, seen)
    assert "a blue house" in redrawn.text
    assert f"<@{linus.user.id}>" in redrawn.text


async def test_a_picture_attached_to_a_mention_is_redrawn(ada: Person) -> None:
    seen = seen_by(ada)
    me = ada.scene.world.application.user.id
    ada.send(f"a boat on the sea --steps 6 <@{me}>", files=[png(a_landscape())])
    assert "a boat on the sea" in (await result_after(ada, seen)).text


async def test_words_without_a_mention_are_nobodys_business(ada: Person, linus: Person) -> None:
    posted = linus.send("mine", files=[png(a_landscape())])
    seen = seen_by(ada)
    ada.send("a blue house", reply_to=posted, ping=False)
    await draw(ada, "a proof that the bot had time")
    strangers = [m for m in ada.see() if m.id not in seen and "a blue house" in m.text and has_pictures(m)]
    assert not strangers


async def test_buttons_work_for_others_again_and_again(ada: Person, linus: Person) -> None:
    result = await draw(ada, "a green tree", seed="2")
    for _ in range(2):
        seen = seen_by(linus)
        await linus.acknowledged(linus.press(result, "Re-roll"), 3)
        again = await result_after(linus, seen)
        assert f"<@{linus.user.id}>" in again.text
        assert exactly(images(linus, again)[0]) != exactly(images(ada, result)[0])


async def test_edit_prompt_opens_with_the_words_and_draws_the_new_ones(ada: Person) -> None:
    result = await draw(ada, "a green tree", seed="2")
    pressed = ada.press(result, "Edit prompt")
    modal = await ada.modal(pressed)
    assert "a green tree" in str(modal)
    seen = seen_by(ada)
    await ada.acknowledged(ada.submit_modal(pressed, {"Prompt": "a purple tree", "Seed": "2"}), 3)
    edited = await result_after(ada, seen)
    assert "a purple tree" in edited.text
    assert "seed 2" in edited.text


async def test_recipe_shows_everything_to_the_one_who_asks(ada: Person, linus: Person) -> None:
    result = await draw(ada, "a green tree", seed="2", negative_prompt="fog")
    shown = await linus.answer(linus.press(result, "Recipe"))
    assert shown.ephemeral
    for part in ("a green tree", "fog", "seed: 2", "steps: 4", "storybook", "torch"):
        assert part in shown.text
    assert shown.id not in seen_by(ada)


async def test_deleting_is_for_the_owner_and_for_moderators(ada: Person, linus: Person, grace: Person) -> None:
    for deleter in (ada, grace):
        result = await draw(ada, "a green tree")
        seen = seen_by(linus)
        linus.press(result, "Delete")
        refusal = await linus.message(lambda told, seen=seen: "may delete" in told.text and told.id not in seen)
        assert refusal.ephemeral
        assert ada.now(result) is not None
        await deleter.acknowledged(deleter.press(result, "Delete"), 3)
        assert await ada.wait_for(lambda result=result: ada.now(result) is None or None)
        gone = await ada.answer(ada.slash("show", id=generation_id(result)))
        assert generation_id(result) in gone.text
        assert not gone.attachments


async def test_cancel_is_for_the_owner_and_costs_nothing(ada: Person, linus: Person) -> None:
    before = await allowance_back_at(ada)
    seen = seen_by(ada)
    interaction = ada.slash("imagine", prompt="a slow mountain", steps=100, count=4)
    await ada.acknowledged(interaction, 3)
    waiting = await ada.message(lambda message: message.id not in seen and "step" in message.text, DRAWN)
    linus.press(waiting, "Cancel")
    refusal = await linus.message(lambda message: "may cancel" in message.text)
    assert refusal.ephemeral
    await ada.acknowledged(ada.press(waiting, "Cancel"), 3)
    cancelled = await ada.message(lambda message: "cost nothing" in message.text and message.id not in seen, 30)
    assert "a slow mountain" in cancelled.text
    assert not [message for message in ada.see() if "a slow mountain" in message.text and has_pictures(message)]
    assert await allowance_back_at(ada) <= before


async def test_private_is_seen_by_its_member_alone(ada: Person, linus: Person) -> None:
    seen = seen_by(ada)
    interaction = ada.slash("imagine", prompt="a clandestine fox", steps=2, private=True)
    await ada.acknowledged(interaction, 3)
    result = await result_after(ada, seen, needs="a clandestine fox")
    assert result.ephemeral
    assert not [message for message in linus.see() if "clandestine" in message.text]
    refusal = await linus.answer(linus.slash("show", id=generation_id(result)))
    assert "clandestine" not in refusal.text
    assert not refusal.attachments
    refusal = await linus.answer(linus.slash("reroll", id=generation_id(result)))
    assert "clandestine" not in refusal.text


async def test_in_a_direct_message_it_works_as_well(ada: Person, linus: Person) -> None:
    alone = ada.direct()
    result = await draw(alone, "a private moon")
    seen = seen_by(alone)
    alone.send("a red moon --steps 4 --strength 0.5", reply_to=result)
    assert "a red moon" in (await result_after(alone, seen)).text
    refusal = await linus.answer(linus.slash("show", id=generation_id(result)))
    assert "private moon" not in refusal.text


async def test_where_the_bot_may_not_post_the_interaction_brings_the_result(
    playground: Playground, ada: Person
) -> None:
    for name in ("notices", "lounge"):
        elsewhere = ada.at(playground.channel(name))
        result = await draw(elsewhere, f"a tree in {name}", steps=2)
        assert f"a tree in {name}" in result.text


async def test_everything_works_again_after_a_restart(ada: Person, linus: Person, easel: BotProcess) -> None:
    result = await draw(ada, "a red house by the sea", seed="0")
    [original] = images(ada, result)
    await easel.restart()
    # The old buttons,
    seen = seen_by(linus)
    await linus.acknowledged(linus.press(result, "Re-roll"), 3)
    await result_after(linus, seen)
    # the same picture from its id,
    [same] = images(ada, await reroll(ada, result, seed="same"))
    assert exactly(same) == exactly(original)
    # a reply to the old message,
    seen = seen_by(ada)
    ada.send("a blue house --strength 0 --steps 4", reply_to=result)
    [kept] = images(ada, await result_after(ada, seen))
    assert distance(kept, original) < 0.02
    # and what was drawn is still in the history.
    page = await ada.answer(ada.slash("history"))
    assert "a red house by the sea" in page.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_what_was_accepted_is_delivered_after_a_restart(
    ada: Person, easel: BotProcess, number: signal.Signals
) -> None:
    seen = seen_by(ada)
    prompts = [f"a boat number {count} {number.name.lower()}" for count in (1, 2, 3)]
    for prompt in prompts:
        await ada.acknowledged(ada.slash("imagine", prompt=prompt, steps=60), 3)
    await ada.message(lambda message: message.id not in seen and "step" in message.text, DRAWN)
    for prompt in prompts:
        await ada.message(lambda message, prompt=prompt: prompt in message.text and message.id not in seen, 30)
    await easel.restart(number)
    for prompt in prompts:
        await ada.message(lambda message, prompt=prompt: prompt in message.text and has_pictures(message), DRAWN)
    results = [message for message in ada.see() if has_pictures(message) and message.id not in seen]
    assert len(results) == len(prompts)  # each once


async def test_the_bots_process_stays_small(easel: BotProcess, ada: Person) -> None:
    import psutil

    await draw(ada)
    assert psutil.Process(easel.pid).memory_info().rss < 150e6
    await asyncio.sleep(0)
