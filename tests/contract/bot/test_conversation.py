"""What commands, buttons, modals and replies answer, to whom, and what they leave behind."""

import asyncio

import pytest
from PIL import Image

from bot.playground import Message, Person, Playground, Upload
from tests.contract.bot.conftest import Start, a_picture, answer_of, drawing, labels, result, results


def mention(person: Person) -> str:
    return f"<@{person.scene.world.application.user.id}>"


async def spoken(person: Person, after: Message) -> Message:
    """What the bot says next to everybody."""
    me = person.scene.world.application.user.id
    return await person.message(lambda message: message.author_id == me and message.id > after.id)


async def test_a_refusal_is_for_its_author_alone_and_leaves_nothing_in_the_channel(
    start: Start, ada: Person, linus: Person
) -> None:
    async with start():
        told = await answer_of(ada, ada.slash("imagine", prompt="a cat", size="17x17"))
        assert told.ephemeral
        assert told.text == (
            "The size 17x17 cannot be drawn by this model: sides go from 256 to 1024 pixels in steps of 8, "
            "and the closest is 256x256."
        )
        assert linus.see() == []


async def test_what_is_spent_says_when_there_is_more(start: Start, ada: Person) -> None:
    async with start(capacity=1.0) as running:
        running.gate.close()
        ada.slash("imagine", prompt="a dear cat")
        await drawing(ada, "a dear cat")
        told = await answer_of(ada, ada.slash("imagine", prompt="another cat"))
        assert told.ephemeral
        assert "of drawing time and you have" in told.text
        assert "<t:" in told.text
        await running.gate.open()
        await result(ada, "a dear cat")


async def test_a_full_queue_names_its_limit(start: Start, ada: Person) -> None:
    async with start(drawing=False):
        for number in range(3):
            await ada.answer(ada.slash("imagine", prompt=f"cat {number}"))
        told = await answer_of(ada, ada.slash("imagine", prompt="one too many"))
        assert told.text == "You have 3 pictures waiting, as many as one member may: let one be drawn first."


async def test_a_command_that_came_too_late_ends_nothing(
    start: Start, playground: Playground, ada: Person
) -> None:
    async with start():
        asked = ada.slash("imagine", prompt="a late cat")
        playground.clock.advance(4)
        await ada.wait_for(lambda: asked.stage.value == "failed" or None)
        ada.slash("imagine", prompt="a cat in time")
        await result(ada, "a cat in time")
        assert not [message for message in results(ada) if "late" in message.text]


async def test_lost_records_are_told_in_words(start: Start, ada: Person, caplog: pytest.LogCaptureFixture) -> None:
    async with start() as running:
        await running.database.close()
        told = await answer_of(ada, ada.slash("history"))
        assert told.ephemeral
        assert "My records cannot be reached" in told.text
        assert await ada.suggestions("imagine", "seed", "c", prompt="a cat") == []
        [failure] = [record for record in caplog.records if record.name == "bot.commands.options"]
        assert failure.getMessage() == "no suggestions for 'c'"
        assert failure.exc_info is not None


async def test_suggestions_that_take_too_long_are_none(
    start: Start, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start() as running:
        monkeypatch.setattr(running.bot.desk.seeds, "suggest", lambda *_: asyncio.Event().wait())
        monkeypatch.setattr("bot.commands.options._DEADLINE", 0.05)
        assert await ada.suggestions("imagine", "seed", "c", prompt="a cat") == []


async def test_seeds_are_suggested_by_their_names_and_those_of_the_newest_pictures(
    start: Start, ada: Person, linus: Person
) -> None:
    async with start():
        await ada.answer(ada.slash("seed save", name="cosy", seed="5"))
        for prompt, seed in (("a red cat", "1234"), ("a {copper} kettle", "77")):
            ada.slash("imagine", prompt=prompt, seed=seed)
            await result(ada, prompt.replace("{copper}", "copper"))

        async def offered(person: Person, typed: str) -> list[tuple[object, object]]:
            choices = await person.suggestions("imagine", "seed", typed, prompt="a cat")
            return [(choice["value"], choice["name"]) for choice in choices]

        cosy, cat, kettle = ("cosy", "cosy (5)"), ("1234", "1234 · a red cat"), ("77", "77 · a copper kettle")
        assert await offered(ada, "") == [cosy, kettle, cat]
        assert await offered(ada, "co") == [cosy, kettle]
        assert await offered(ada, "12") == [("12", "12"), cat]
        assert await offered(ada, "77") == [("77", "77")]
        assert await offered(linus, "") == []


async def test_a_modal_opened_before_a_restart_is_understood(start: Start, ada: Person) -> None:
    async with start():
        ada.slash("imagine", prompt="a red cat", seed="7", negative_prompt="fog")
        first = await result(ada, "a red cat")
        opened = ada.press(first, "Edit prompt")
        shown = str(await ada.modal(opened))
        assert "a red cat" in shown
        assert "fog" in shown
    async with start():
        ada.submit_modal(opened, {"Prompt": "a green cat"})
        message = await result(ada, "a green cat")
        assert "seed 7" in message.text


async def test_a_modal_with_an_empty_seed_draws_a_new_one(start: Start, ada: Person) -> None:
    async with start():
        ada.slash("imagine", prompt="a red cat", seed="7")
        opened = ada.press(await result(ada, "a red cat"), "Edit prompt")
        await ada.modal(opened)
        ada.submit_modal(opened, {"Prompt": "a green cat", "Seed": ""})
        assert "seed 7 " not in (await result(ada, "a green cat")).text


async def test_a_bad_value_in_a_modal_is_named(start: Start, ada: Person) -> None:
    async with start():
        ada.slash("imagine", prompt="a red cat", image=a_picture())
        opened = ada.press(await result(ada, "a red cat"), "Edit prompt")
        await ada.modal(opened)
        told = await answer_of(ada, ada.submit_modal(opened, {"Strength": "much"}))
        assert told.ephemeral
        assert told.text == "strength cannot be much: it goes from 0 to 1."


async def test_nothing_of_another_server_is_shown(
    start: Start, playground: Playground, ada: Person, linus: Person
) -> None:
    async with start():
        ada.slash("imagine", prompt="a local cat")
        message = await result(ada, "a local cat")
        name = message.attachments[0].filename.removesuffix(".png")
        assert "a local cat" in (await linus.answer(linus.slash("show", id=name))).text
        ada.at(playground.channel("lounge")).slash("imagine", prompt="a cat from afar")
        away = await result(ada.at(playground.channel("lounge")), "a cat from afar")
        name = away.attachments[0].filename.removesuffix(".png")
        for command in ("show", "reroll"):
            told = await answer_of(linus, linus.slash(command, id=name))
            assert "afar" not in told.text
            assert name in told.text


async def test_an_id_may_be_a_files_name(start: Start, ada: Person) -> None:
    async with start():
        ada.slash("imagine", prompt="two cats", count=2)
        message = await result(ada, "two cats")
        shown = await ada.answer(ada.slash("show", id=message.attachments[1].filename))
        assert len(shown.attachments) == 2


async def test_a_star_is_set_and_taken_away(start: Start, ada: Person, linus: Person) -> None:
    async with start():
        ada.slash("imagine", prompt="a red cat")
        message = await result(ada, "a red cat")
        assert "You starred" in (await linus.answer(linus.press(message, "Star"))).text
        assert "You starred" in (await ada.answer(ada.press(message, "Star"))).text
        assert "no longer" in (await linus.answer(linus.press(message, "Star"))).text


async def test_cancel_in_the_queue_is_for_ones_own(start: Start, ada: Person, linus: Person) -> None:
    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a cat in front")
        await drawing(ada, "a cat in front")
        for person, prompt in ((linus, "a cat of linus"), (ada, "a second cat")):
            await person.answer(person.slash("imagine", prompt=prompt))
        shown = await linus.answer(linus.slash("queue"))
        assert "a cat of linus" in shown.text
        assert "cat in front" not in shown.text
        [label] = labels(shown)
        await linus.acknowledged(linus.press(shown, str(label)))
        await linus.message(lambda message: "a cat of linus" in message.text and "cost nothing" in message.text)
        await running.gate.open()
        await result(ada, "a second cat")
        assert not [message for message in results(ada) if "linus" in message.text]


async def test_the_history_turns_its_pages_and_shows_thumbnails(start: Start, ada: Person) -> None:
    async with start():
        for number in range(6):
            ada.slash("imagine", prompt=f"cat {number}")
            await result(ada, f"cat {number}")
        page = await ada.answer(ada.slash("history"))
        assert page.ephemeral
        assert len(page.attachments) == 3
        ada.press(page, "Older")
        older = await ada.wait_for(lambda: (now := ada.now(page)) and "cat 0" in now.text and now)
        assert len(older.attachments) == 3
        ada.press(older, "Newer")
        newest = await ada.wait_for(lambda: (now := ada.now(page)) and "cat 5" in now.text and now)
        again = next(button for button in newest.buttons if button.get("label") == "Re-roll")
        ada.press(page, again["custom_id"])
        await ada.wait_for(lambda: len([m for m in results(ada) if "cat 5" in m.text]) == 2 or None)


async def test_replying_takes_the_seed_along_if_told_to(start: Start, ada: Person, linus: Person) -> None:
    async with start():
        ada.slash("imagine", prompt="a red cat", seed="41")
        first = await result(ada, "a red cat")
        ada.send("a blue cat --seed same", reply_to=first)
        assert "seed 41 " in (await result(ada, "a blue cat")).text
        theirs = linus.send("mine", files=[a_picture()])
        mine = ada.send(f"{mention(ada)} a green cat --seed same", reply_to=theirs)
        told = await ada.message(lambda message: "needs a picture that I drew" in message.text)
        assert told.reference is not None
        assert told.reference.message_id == mine.id
        assert not [message for message in results(ada) if "green" in message.text]


async def test_flags_alone_keep_the_words_of_the_picture(start: Start, ada: Person) -> None:
    async with start():
        ada.slash("imagine", prompt="a red cat", seed="41")
        first = await result(ada, "a red cat")
        ada.send("--strength 0.25", reply_to=first)
        message = await result(ada, "strength 0.25")
        assert "a red cat" in message.text


@pytest.mark.parametrize("text", ["", "a blue cat"])
async def test_a_mention_without_a_picture_gets_a_hint(start: Start, ada: Person, text: str) -> None:
    async with start():
        mine = ada.send(f"{mention(ada)} {text}")
        told = await spoken(ada, mine)
        assert "Reply to a picture" in told.text


async def test_a_file_that_is_no_picture_is_named(start: Start, ada: Person) -> None:
    async with start():
        mine = ada.send(f"{mention(ada)} a cat", files=[Upload(filename="notes.txt", data=b"meow")])
        told = await spoken(ada, mine)
        assert "notes.txt is no picture that I can read" in told.text.replace("\\", "")


async def test_an_upload_that_was_corrected_is_told_of(start: Start, ada: Person) -> None:
    async with start():
        clear = a_picture(Image.new("RGBA", (64, 64), (255, 0, 0, 100)))
        ada.slash("imagine", prompt="a clear cat", image=clear)
        message = await result(ada, "a clear cat")
        assert "white behind the transparent parts" in message.text


@pytest.mark.parametrize(("typed", "words"), [("--5", "no seed called --5"), ("-5", "seed cannot be -5")])
async def test_what_only_looks_like_a_number_is_named(start: Start, ada: Person, typed: str, words: str) -> None:
    async with start():
        for told in (
            await answer_of(ada, ada.slash("imagine", prompt="a cat", seed=typed)),
            await answer_of(ada, ada.slash("seed use", name="--5", prompt="a cat")),
        ):
            assert told.ephemeral
            assert "my side" not in told.text
        assert words in (await answer_of(ada, ada.slash("imagine", prompt="a cat", seed=typed))).text


@pytest.mark.parametrize("name", ["7", "-7", "Same", " new "])
async def test_a_name_that_could_never_be_asked_for_is_refused(start: Start, ada: Person, name: str) -> None:
    async with start():
        told = await answer_of(ada, ada.slash("seed save", name=name, seed="5"))
        assert told.ephemeral
        assert f"A seed cannot be called {name.strip()}: " in told.text
        assert "no saved seeds" in (await ada.answer(ada.slash("seed list"))).text


async def test_the_seed_of_the_picture_that_was_named_is_saved(start: Start, ada: Person) -> None:
    async with start():
        ada.slash("imagine", prompt="two cats", count=2, seed="41")
        message = await result(ada, "two cats")
        file = message.attachments[1].filename
        assert "seed 42" in (await answer_of(ada, ada.slash("seed save", name="second", seed=file))).text
        beyond = file.replace("-2", "-3")
        assert "There is no picture" in (await answer_of(ada, ada.slash("seed save", name="x", seed=beyond))).text


async def test_another_model_draws_the_shape_in_its_own_way(start: Start, ada: Person) -> None:
    async with start():
        ada.slash("imagine", prompt="a wide cat", size="768x512", steps=50, guidance=20.0, seed="3")
        first = await result(ada, "a wide cat")
        name = first.attachments[0].filename
        ada.slash("reroll", id=name, model="small-model", seed="same", prompt="a small cat")
        again = await result(ada, "a small cat")
        assert "small-model · seed 3 · 80x48" in again.text
        recipe = (await ada.answer(ada.press(again, "Recipe"))).text
        for line in ("steps: 8", "guidance: 3", "scheduler: Euler"):
            assert line in recipe
        ada.slash("reroll", id=name, model="small-model", size="64x64", steps=9, prompt="a square cat")
        square = await result(ada, "a square cat")
        assert "64x64" in square.text
        assert "steps: 9" in (await ada.answer(ada.press(square, "Recipe"))).text
        ada.slash("reroll", id=name, model="some-model", prompt="a cat as before")
        assert "768x512" in (await result(ada, "a cat as before")).text


async def test_strength_without_a_picture_is_refused_and_not_dropped(start: Start, ada: Person) -> None:
    async with start():
        ada.slash("imagine", prompt="a red cat")
        name = (await result(ada, "a red cat")).attachments[0].filename
        told = await answer_of(ada, ada.slash("reroll", id=name, strength=0.4))
        assert "attach an image as well" in told.text
