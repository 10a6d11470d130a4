"""How a server shows pictures: what it covers, what it refuses, and what it shows once more in its showcase."""

from dataclasses import replace

from bot.content import ContentFilter
from bot.playground import Person, Playground
from bot.playground.cast import STUDIO_ID
from bot.playground.guilds import Overwrite, Permission
from bot.playground.messages import walk
from tests.contract.bot.conftest import Start, a_picture, answer_of, result, results, until
from tests.contract.bot.test_server import chosen, server, told, turned


async def test_a_server_is_stricter_than_the_operator_and_covers_what_it_likes(
    start: Start, ada: Person, grace: Person
) -> None:
    async with start("flags_first", content_filter=ContentFilter.SPOILER):
        ada.slash("imagine", prompt="two cats", count=2)
        before = await result(ada, "two cats")
        assert "nobody gets" in (await server(grace, "content", flagged="refuse")).text
        ada.slash("imagine", prompt="two dogs", count=2)
        [only] = (await result(ada, "two dogs")).attachments
        assert not only.filename.startswith("SPOILER_")
        shown = await answer_of(ada, ada.slash("show", id=before.attachments[1].filename))
        assert not [each for each in shown.attachments if each.filename.startswith("SPOILER_")]
        assert "Every picture is a spoiler" in (await server(grace, "content", spoiler=True)).text
        ada.slash("imagine", prompt="two birds", count=2)
        parent = await result(ada, "two birds")
        assert all(each.filename.startswith("SPOILER_") for each in parent.attachments)
        ada.press(parent, "Re-roll")
        await ada.wait_for(lambda: len([each for each in results(ada) if "two birds" in each.text]) == 2 or None)
        shown = await answer_of(ada, ada.slash("show", id=parent.attachments[0].filename))
        assert [each for each in shown.attachments if each.filename.endswith("-family.jpg")]
        assert all(each.filename.startswith("SPOILER_") for each in shown.attachments)
        assert not [embed for embed in shown.embeds if "image" in embed]
        page = await answer_of(ada, ada.slash("history"))
        small = [part["accessory"] for part in walk(page.components) if part.get("accessory")]
        assert small
        assert all(each["spoiler"] for each in small)
        back = (await server(grace, "content", flagged="operator", spoiler=False)).text
        assert "That is how whoever runs this bot has it" in back
    async with start(preview_every=0.0) as running:  # what comes before a picture is covered as well, and a sheet
        await server(grace, "content", spoiler=True)
        running.gate.close()
        ada.slash("imagine", prompt="a hidden cat")
        waiting = await ada.message(lambda message: "a hidden cat" in message.text and bool(message.attachments))
        assert waiting.attachments[0].filename.startswith("SPOILER_")
        await running.gate.open()
        await result(ada, "a hidden cat")
        ada.press(await ada.answer(ada.slash("compare", prompt="a fox", steps="2, 3")), "Draw")
        await ada.message(
            lambda message: [each.filename[:16] for each in message.attachments] == ["SPOILER_compare-"]
        )
    async with start(content_filter=ContentFilter.OFF):
        assert "switched the content filter off" in (await server(grace, "content", flagged="refuse")).text


async def test_a_picture_that_is_shown_again_as_a_source_is_a_spoiler_too(
    start: Start, ada: Person, grace: Person
) -> None:
    async with start():
        await server(grace, "content", spoiler=True)
        ada.slash("imagine", prompt="a cat")
        drawn = await result(ada, "a cat")
        copied = await answer_of(ada, ada.context_menu(drawn, "Use as source"))
        assert [each.filename for each in copied.attachments] == [drawn.attachments[0].filename]
        assert copied.attachments[0].filename.startswith("SPOILER_")
        posted = ada.send("look", files=[a_picture()])
        copied = await answer_of(ada, ada.context_menu(posted, "Use as source"))
        assert [each.filename for each in copied.attachments] == ["SPOILER_picture.png"]


async def test_a_starred_picture_is_shown_once_and_goes_with_its_generation(
    start: Start, playground: Playground, ada: Person, linus: Person, grace: Person
) -> None:
    sketches, notices = playground.channel("sketches"), playground.channel("notices")
    async with start() as running:
        menu = await server(grace, "showcase")
        refused = await told(grace, grace.select(menu, "A channel", [notices.id]))
        assert "give me Send Messages" in refused
        assert running.studio.servers.of(STUDIO_ID).showcase is None
        menu = await chosen(grace, menu, "A channel", [sketches.id], f"posted in <#{sketches.id}>")
        there = ada.at(sketches)
        ada.slash("imagine", prompt="a red cat")
        drawn = await result(ada, "a red cat")
        await answer_of(linus, linus.press(drawn, "Star"))
        shown = await result(there, "a red cat")
        assert f"<@{ada.user.id}>" in shown.text
        assert shown.mentions == ()
        for person in (ada, linus, linus):  # another star, one taken back, and one again
            await answer_of(person, person.press(drawn, "Star"))
        assert "prompt: a red cat" in await told(there, there.press(shown, "Recipe"))
        there.press(shown, "Re-roll")
        await there.wait_for(lambda: len(results(there)) == 2 or None)
        # What is private, or for adults alone, stays where it is.
        ada.slash("imagine", prompt="a secret", private=True)
        await answer_of(ada, ada.press(await result(ada, "a secret"), "Star"))
        dark = ada.at(playground.channel("after-dark"))
        dark.slash("imagine", prompt="late at night")
        await answer_of(dark, dark.press(await result(dark, "late at night"), "Star"))
        # Nor is whoever stars told that a right is missing by now.
        world = playground.world
        silent = Overwrite(target_id=world.bot_id, is_role=False, deny=Permission.SEND_MESSAGES)
        world.channels[sketches.id] = replace(sketches, overwrites=(silent,))
        ada.slash("imagine", prompt="a blue fish")
        fish = await result(ada, "a blue fish")
        assert "You starred" in await told(ada, ada.press(fish, "Star"))

        async def noticed() -> bool | None:
            return "could not post a starred picture" in (await server(grace, "log")).text or None

        await until(noticed)
        world.channels[sketches.id] = sketches
        assert len(results(there)) == 2
        await answer_of(ada, ada.press(fish, "Star"))
        await answer_of(ada, ada.press(fish, "Star"))
        await result(there, "a blue fish")
        ada.press(drawn, "Delete")
        await ada.wait_for(lambda: ada.now(drawn) is None)
        await there.wait_for(lambda: there.now(shown) is None)
        grace.press(menu, "No showcase")
        await turned(grace, menu, "There is no showcase")
