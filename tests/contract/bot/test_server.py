"""What moderators decide holds, whichever way a picture is asked for; and whoever is refused loses nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import pytest

import db
from bot import wording
from bot.content import ContentFilter
from bot.place import Viewer
from bot.playground import Interaction, Message, NotPossible, Person, Playground
from bot.playground.cast import ARTIST_ROLE_ID, BOT_ROLE_ID, MODERATOR_ROLE_ID, STUDIO_ID
from bot.playground.guilds import Overwrite, Permission
from bot.playground.messages import walk
from generation import Family, Range, Use
from tests.contract.bot.conftest import (
    Running,
    Start,
    a_picture,
    answer_of,
    drawing,
    labels,
    result,
    results,
    until,
)
from tests.contract.bot.test_sources import told_in
from tests.recipes import a_model

ELSEWHERE = "In this server pictures are drawn in"
BLOCKED = "have blocked you from drawing here"


async def server(person: Person, command: str, **options: object) -> Message:
    """What a moderator reads after a command of theirs, which nobody else does."""
    answer = await answer_of(person, person.slash(f"server {command}", **options))
    assert answer.ephemeral
    return answer


async def turned(person: Person, message: Message, text: str) -> Message:
    """A message once it has changed and says `text`."""
    return await person.message(lambda now: now.id == message.id and text in now.text)


async def chosen(person: Person, message: Message, menu: str, values: list[Any], text: str) -> Message:
    """The message of a menu once what was chosen in it is kept."""
    person.select(message, menu, values)
    return await turned(person, message, text)


async def told(person: Person, interaction: Interaction) -> str:
    return (await answer_of(person, interaction)).text


async def kept(running: Running) -> tuple[int, int, int]:
    """How many generations, charges and sheets there are."""
    counts = []
    async with running.database.reading() as connection:
        for table in ("generations", "charges", "sheets"):
            [(count,)] = await connection.execute_fetchall(f"SELECT count(*) FROM {table}")  # noqa: S608
            counts.append(int(count))
    return counts[0], counts[1], counts[2]


def change_guild(playground: Playground, **changes: Any) -> None:
    playground.world.guilds[STUDIO_ID] = replace(playground.world.guilds[STUDIO_ID], **changes)


async def test_only_who_may_manage_the_server_is_heard_and_only_as_long_as_they_may(
    start: Start, playground: Playground, ada: Person, grace: Person
) -> None:
    async with start(drawing=False) as running:
        for person in (ada, grace.direct(), ada.at(playground.channel("lounge"))):
            with pytest.raises(NotPossible, match="not offered"):
                person.slash("server show")
        asked = grace.slash("server channels")
        menu = await answer_of(grace, asked)
        # A server can hand a command to others in its settings; and a right can be taken away.
        handed = ada.scene.interactions.open(asked.kind, ada.user.id, ada.channel, asked.data, owners=asked.owners)
        assert "may manage this server" in await told(ada, handed)
        members = playground.world.guilds[STUDIO_ID].members
        change_guild(playground, members=members | {grace.user.id: replace(members[grace.user.id], roles=())})
        pressed = grace.select(menu, "Channels", [ada.channel.id])
        assert "may manage this server" in await told(grace, pressed)
        assert "may manage this server" in await told(grace, grace.press(menu, "Every channel"))
        assert running.studio.servers.of(STUDIO_ID).channels == frozenset()


async def test_channels_hold_for_every_way_of_asking_and_a_refusal_leaves_nothing(
    start: Start, playground: Playground, ada: Person, grace: Person, tmp_path: Path
) -> None:
    async with start() as running:
        ada.slash("imagine", prompt="a red cat")
        drawn = await result(ada, "a red cat")
        question = await ada.answer(ada.slash("compare", prompt="a fox", steps="2, 3"))
        sketches = playground.channel("sketches")
        menu = await server(grace, "channels")
        menu = await chosen(grace, menu, "Channels", [sketches.id], f"in <#{sketches.id}> only")
        before = await kept(running)
        opened = ada.press(drawn, "Edit prompt")
        await ada.modal(opened)
        asked = [
            ada.slash("imagine", prompt="a cat", image=a_picture()),
            ada.slash("imagine", prompt="a cat", private=True),
            ada.slash("reroll", id=drawn.attachments[0].filename),
            ada.slash("compare", prompt="a wolf", steps="2, 3"),
            ada.slash("describe", image=a_picture()),
            ada.press(drawn, "Re-roll"),
            ada.press(drawn, "Vary"),
            ada.press(drawn, "Upscale"),
            ada.submit_modal(opened, {"prompt": "a blue cat"}),
            ada.press(question, "Draw"),
        ]
        for interaction in asked:
            answer = await answer_of(ada, interaction)
            assert f"{ELSEWHERE} <#{sketches.id}> only" in answer.text
            assert answer.ephemeral
        ada.send("a green cat", reply_to=drawn)
        await ada.message(lambda message: ELSEWHERE in message.text and not message.ephemeral)
        assert await kept(running) == before
        assert not list((tmp_path / "pictures" / "sources").glob("*"))
        # Elsewhere, for moderators, in direct messages and in other servers it does not hold.
        for person in (ada.at(sketches), grace, ada.direct(), ada.at(playground.channel("lounge"))):
            person.slash("imagine", prompt="a free bird")
            await result(person, "a free bird")
        grace.press(menu, "Every channel")
        await turned(grace, menu, "in every channel")
        ada.slash("imagine", prompt="a free fish")
        await result(ada, "a free fish")
    async with start() as running:  # and all of it outlives a restart
        assert "in every channel" in (await server(grace, "show")).text


async def test_a_blocked_member_draws_no_more_and_gets_back_what_waits(
    start: Start, ada: Person, linus: Person, grace: Person, tmp_path: Path
) -> None:
    captioner = tmp_path / "models" / "detectors" / "blip"
    captioner.mkdir(parents=True)
    (captioner / "config.json").write_text('{"architectures": ["BlipForConditionalGeneration"]}')
    async with start() as running:
        running.gate.close()
        linus.slash("imagine", prompt="a fox")
        await drawing(linus, "a fox")
        ada.slash("imagine", prompt="a cat")
        await ada.message(lambda message: "a cat" in message.text)
        ada.slash("imagine", prompt="a dog", private=True)
        await ada.message(lambda message: "a dog" in message.text)
        look = ada.slash("describe", image=a_picture())
        await ada.acknowledged(look)

        async def waits() -> bool | None:
            async with running.database.reading() as connection:
                return bool(await db.looks.every(connection)) or None

        await until(waits)
        answer = await server(grace, "block", member=ada.user.id, reason="spam")
        assert "2 waiting pictures were cancelled" in answer.text
        await running.gate.open()
        await result(linus, "a fox")
        await ada.message(lambda message: "a cat" in message.text and "Cancelled; it cost nothing" in message.text)
        await ada.message(lambda message: "a dog" in message.text and "Cancelled; it cost nothing" in message.text)
        assert "blocked you, so it was not looked at" in await told(ada, look)
        assert BLOCKED in await told(ada, ada.slash("imagine", prompt="a cat"))
        assert "All of your" in await told(ada, ada.slash("info"))
        ada.direct().slash("imagine", prompt="at home")
        await result(ada.direct(), "at home")
        shown = (await server(grace, "show")).text
        assert f"<@{ada.user.id}>" in shown
        assert "spam" in shown
        assert "a block would not hold" in (await server(grace, "block", member=grace.user.id)).text
        assert "is not blocked" in (await server(grace, "unblock", member=linus.user.id)).text
    async with start():
        assert BLOCKED in await told(ada, ada.slash("imagine", prompt="a cat"))
        assert "may draw here again" in (await server(grace, "unblock", member=ada.user.id)).text
        ada.slash("imagine", prompt="a good cat")
        await result(ada, "a good cat")


async def test_roles_say_who_draws_and_how_much_in_that_server(
    start: Start, playground: Playground, ada: Person, linus: Person, grace: Person
) -> None:
    async with start() as running:
        answer = await server(grace, "role", role=ARTIST_ROLE_ID, allowance=60, per_hour=0)
        assert f"<@&{ARTIST_ROLE_ID}>: 60 s of drawing time at once" in answer.text
        refused = await told(linus, linus.slash("imagine", prompt="a cat"))
        assert f"drawing is for <@&{ARTIST_ROLE_ID}> only" in refused
        assert "All of your 60 s" in await told(ada, ada.slash("info"))
        assert "All of your 3 h" in await told(ada.direct(), ada.direct().slash("info"))
        ada.slash("imagine", prompt="a cat", steps=50)
        await result(ada, "a cat")
        here = Viewer(member_id=ada.user.id, guild_id=STUDIO_ID, resident=True, roles=frozenset({ARTIST_ROLE_ID}))
        spent = 60 - (await running.studio.allowance(here)).left
        assert 0 < spent < 60
        usual = await running.studio.allowance(Viewer(member_id=ada.user.id))
        assert usual.left == pytest.approx(10_000 - spent, abs=0.5)  # spent here, it counts everywhere
        for name, limit in (("allowance", 40_000), ("per_hour", 400)):
            generous = await server(grace, "role", role=ARTIST_ROLE_ID, **{name: limit + 1})
            assert f"at most {limit} seconds" in generous.text
        everyone = await server(grace, "role", role=STUDIO_ID)
        assert f"<@&{STUDIO_ID}>: 3 h" in everyone.text
        linus.slash("imagine", prompt="a fox")
        await result(linus, "a fox")
        await server(grace, "role", role=STUDIO_ID, remove=True)
        assert "Everybody may draw" in (await server(grace, "role", role=ARTIST_ROLE_ID, remove=True)).text
        assert "not on the list" in (await server(grace, "role", role=ARTIST_ROLE_ID, remove=True)).text


async def test_ceilings_refuse_what_was_asked_and_lower_what_was_not(
    start: Start, ada: Person, grace: Person
) -> None:
    async with start() as running:
        ada.slash("imagine", prompt="an old cat", steps=40, size="512x768")
        old = await result(ada, "an old cat")
        question = await ada.answer(ada.slash("compare", prompt="a fox", steps="20, 30"))
        settings = await ada.answer(ada.slash("settings"))
        opened = ada.press(settings, "Numbers and privacy")
        await ada.modal(opened)
        ada.submit_modal(opened, {"steps": "100"})
        await turned(ada, settings, "**100**")
        set_now = (await server(grace, "limits", steps=10, size=384)).text
        assert "at most 10 steps" in set_now
        assert "at most 384 pixels" in set_now
        for asked, ceiling in (
            (ada.slash("imagine", prompt="a cat", steps=11), "at most 10 steps, and this one would have 11"),
            (ada.slash("imagine", prompt="a cat", size="512x256"), "at most 384 pixels on a side"),
            (ada.press(old, "Re-roll"), "at most 10 steps"),
            (ada.press(question, "Draw"), "at most 10 steps"),
            (ada.slash("compare", prompt="a fox", steps="9, 12"), "at most 10 steps"),
        ):
            assert ceiling in await told(ada, asked)
        ada.slash("imagine", prompt="a small cat", size="portrait")
        drawn = await result(ada, "a small cat")
        recipe = await told(ada, ada.press(drawn, "Recipe"))
        assert "steps: 10" in recipe  # the member's own hundred, lowered
        assert "size: 256x384" in recipe
        sizes = await ada.suggestions("imagine", "size")
        assert [each["name"] for each in sizes if each["value"] == "square"] == ["square (384x384)"]
        lifted = (await server(grace, "limits", steps=0, size=0)).text
        assert lifted.count("no ceiling") == 2
        assert running.studio.servers.of(STUDIO_ID).steps is None
        ada.press(old, "Re-roll")
        await ada.wait_for(lambda: len(results(ada)) == 3 or None)


async def test_models_are_those_of_the_server_and_so_is_the_first_choice(
    start: Start, ada: Person, grace: Person, tmp_path: Path
) -> None:
    (tmp_path / "third").mkdir()
    third = a_model(name="third", title="Third", source=str(tmp_path / "third"))
    async with start(others=(third,)) as running:
        menu = await server(grace, "models")
        only = "Only **small-model** and **third** may draw"
        menu = await chosen(grace, menu, "Models", ["small-model", "third"], only)
        models = {each["value"] for each in await ada.suggestions("imagine", "model")}
        assert models == {"small-model", "third"}
        shown = await told(ada, ada.slash("models"))
        assert "some-model" not in shown
        assert "small-model" in shown
        refused = await told(ada, ada.slash("imagine", prompt="a cat", model="some-model"))
        assert "some-model does not draw in this server: choose small-model or third" in refused
        ada.slash("imagine", prompt="a first cat")
        assert "small-model" in (await result(ada, "a first cat")).text
        offered = [each["value"] for each in await grace.suggestions("server models", "default")]
        assert offered[0] == "none"
        assert "third" in offered
        assert "not among the models" in (await server(grace, "models", default="some-model")).text
        assert "gets **third**" in (await server(grace, "models", default="third")).text
        ada.slash("imagine", prompt="a second cat")
        assert "third" in (await result(ada, "a second cat")).text
        settings = await ada.answer(ada.slash("settings"))
        opened = ada.press(settings, "Model and look")
        await ada.modal(opened)
        ada.submit_modal(opened, {"model": ["small-model"]})
        await turned(ada, settings, "**small-model**")
        ada.slash("imagine", prompt="my own cat")  # a member's own choice comes before the server's
        assert "small-model" in (await result(ada, "my own cat")).text
        menu = await chosen(grace, menu, "Models", ["third"], "Only **third** may draw")
        ada.slash("imagine", prompt="no longer my own cat")
        mine = await result(ada, "no longer my own cat")
        assert "third" in mine.text
        before = next(message for message in results(ada) if "a first cat" in message.text)
        ada.send("a hat", reply_to=before)  # nobody has named the model that drew it
        assert "third" in (await result(ada, "a hat")).text
        assert "small-model does not draw" in await told(ada, ada.press(before, "Re-roll"))
        assert "nowhere/some-model" not in await told(ada, ada.slash("info"))
        grace.press(menu, "All models")
        await turned(grace, menu, "All models may draw")
        assert "whoever runs this bot has chosen" in (await server(grace, "models", default="none")).text
        assert running.studio.servers.of(STUDIO_ID).default_model is None


async def test_what_draws_nothing_from_words_is_nobodys_first_choice(
    start: Start, ada: Person, grace: Person
) -> None:
    pixels = a_model(name="pixels", family=Family.LANCZOS, source="", can=(Use.UPSCALE,))
    async with start(others=(pixels,)) as running:
        refused = await server(grace, "models", default="pixels")
        assert "pixels draws nothing from words alone" in refused.text
        assert running.studio.servers.of(STUDIO_ID).default_model is None
        assert "pixels" not in [each["value"] for each in await grace.suggestions("server models", "default")]
        # Nor is one that was set before it could do less.
        await running.studio.servers.change(
            Viewer(member_id=grace.user.id, guild_id=STUDIO_ID, moderator=True, resident=True),
            lambda rules: replace(rules, default_model="pixels"),
        )
        ada.slash("imagine", prompt="a cat")
        await result(ada, "a cat")


async def test_no_ceiling_is_so_low_that_nobody_could_draw(start: Start, ada: Person, grace: Person) -> None:
    slow = a_model(name="slow-model", source="", family=Family.LANCZOS, steps=Range.of(5, 25, 150))
    async with start(default=slow) as running:
        for limits in ({"size": 1}, {"size": 255}, {"steps": 4}):
            refused = (await server(grace, "limits", **limits)).text
            assert "slow-model would draw for whoever names no model" in refused
            assert f"at least {256 if 'size' in limits else 5}" in refused
        assert running.studio.servers.of(STUDIO_ID).steps is None
        menu = await server(grace, "models")
        menu = await chosen(grace, menu, "Models", ["small-model"], "Only **small-model** may draw")
        await server(grace, "limits", size=64, steps=4)  # is enough for this one
        ada.slash("imagine", prompt="a cat")
        await result(ada, "a cat")
        for interaction in (grace.press(menu, "All models"), grace.select(menu, "Models", ["slow-model"])):
            assert "slow-model would draw" in await told(grace, interaction)
        assert running.studio.servers.of(STUDIO_ID).models == {"small-model"}


async def test_a_menu_of_models_sets_those_alone_that_it_shows(
    start: Start, grace: Person, tmp_path: Path
) -> None:
    long = a_model(name="x" * 120, title="Long", source=str(tmp_path / "long"))
    third = a_model(name="third", title="Third", source=str(tmp_path / "third"))
    for name in ("long", "third"):
        (tmp_path / name).mkdir()
    async with start(others=(long, third)) as running:
        menu = await server(grace, "models")
        await chosen(grace, menu, "Models", ["small-model", "third", "x" * 100], "and **x")
        assert running.studio.servers.of(STUDIO_ID).models == {"small-model", "third", "x" * 120}
        (tmp_path / "third").rmdir()
        menu = await server(grace, "models")
        (tmp_path / "third").mkdir()  # fetched again
        await chosen(grace, menu, "Models", ["small-model"], "Only **small-model** and **third** may draw")


async def test_every_kind_of_channel_that_is_written_in_and_that_menus_have_can_be_chosen(
    start: Start, grace: Person
) -> None:
    async with start(drawing=False):
        menu = await server(grace, "channels")
        [select] = [part for part in walk(menu.components) if "channel_types" in part]
        kinds = discord.ChannelType
        written_in = {kinds.text, kinds.news, kinds.voice, kinds.stage_voice, kinds.forum}
        assert set(select["channel_types"]) == {kind.value for kind in written_in | {kinds.category}}


async def test_a_role_that_is_deleted_locks_nobody_out(
    start: Start, playground: Playground, ada: Person, linus: Person, grace: Person
) -> None:
    async with start() as running:
        await server(grace, "role", role=ARTIST_ROLE_ID)
        assert "drawing is for" in await told(linus, linus.slash("imagine", prompt="a cat"))
        playground.gateway.delete_role(STUDIO_ID, ARTIST_ROLE_ID)

        async def forgotten() -> bool | None:
            return not running.studio.servers.of(STUDIO_ID).roles or None

        await until(forgotten)
        linus.slash("imagine", prompt="a cat")
        await result(linus, "a cat")
        assert "Everybody may draw" in (await server(grace, "show")).text
        assert "Easel took the last role off the list" in (await server(grace, "log")).text
        for role in (MODERATOR_ROLE_ID, BOT_ROLE_ID):
            await server(grace, "role", role=role)
    guild = playground.world.guilds[STUDIO_ID]  # and while Easel is away
    change_guild(playground, roles=tuple(role for role in guild.roles if role.id != BOT_ROLE_ID))
    async with start() as running:

        async def one_is_left() -> bool | None:
            return set(running.studio.servers.of(STUDIO_ID).roles) == {MODERATOR_ROLE_ID} or None

        await until(one_is_left)
        assert "Easel took a role off the list" in (await server(grace, "log")).text
        assert "drawing is for" in await told(ada, ada.slash("imagine", prompt="a cat"))


async def test_a_word_is_kept_out_of_prompts_and_told_to_its_member_alone(
    start: Start, ada: Person, grace: Person
) -> None:
    async with start():
        ada.slash("imagine", prompt="a cat")
        drawn = await result(ada, "a cat")
        assert "fog · red cat" in (await server(grace, "words", add="fog, red cat, FOG")).text
        for prompt in ("a FÓG bank", "f\u200bog", "a {fog|fog} bank", "(red:1.2) cat"):
            answer = await answer_of(ada, ada.slash("imagine", prompt=prompt))
            assert answer.ephemeral
            assert "out of prompts" in answer.text
        ada.send("a fog bank", reply_to=drawn)
        public = await ada.message(lambda message: "a word of that prompt" in message.text)
        assert "fog" not in public.text
        ada.slash("imagine", prompt="a clear day", negative_prompt="fog, red cat")
        await result(ada, "a clear day")
        assert [each["value"] for each in await grace.suggestions("server words", "remove", "re")] == ["red cat"]
        assert "not in the filter" in (await server(grace, "words", remove="mist")).text
        assert "no letter" in (await server(grace, "words", add="…")).text
        assert "No word is kept out" in (await server(grace, "words", remove="fog, red cat")).text
        ada.slash("imagine", prompt="a red cat in fog")
        await result(ada, "a red cat in fog")


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


async def test_a_comparison_is_opened_for_whoever_may_not_draw_and_posted_by_whoever_may(
    start: Start, ada: Person, linus: Person, grace: Person
) -> None:
    async with start():
        ada.press(await ada.answer(ada.slash("compare", prompt="a fox", steps="2, 3")), "Draw")
        sheet = await ada.message(lambda message: bool(message.attachments))
        [select] = [part for part in walk(sheet.components) if part.get("options")]
        cell = select["options"][0]["value"]
        await server(grace, "block", member=linus.user.id)
        opened = await answer_of(linus, linus.select(sheet, select["placeholder"], [cell]))
        assert opened.ephemeral
        assert opened.attachments
        ada.select(sheet, select["placeholder"], [cell])
        assert not (await result(ada, "a fox")).ephemeral


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


async def test_the_log_says_who_did_what_and_is_turned_both_ways(
    start: Start, ada: Person, linus: Person, grace: Person
) -> None:
    async with start() as running:
        running.gate.close()
        linus.slash("imagine", prompt="a fox")
        await drawing(linus, "a fox")
        ada.slash("imagine", prompt="a cat")
        waiting = await ada.message(lambda message: "a cat" in message.text and "Cancel" in labels(message))
        grace.press(waiting, "Cancel")
        await ada.message(lambda message: "Cancelled; it cost nothing" in message.text)
        await running.gate.open()
        await result(linus, "a fox")
        ada.slash("imagine", prompt="a dog")
        drawn = await result(ada, "a dog")
        await grace.acknowledged(grace.press(drawn, "Delete"))
        await grace.wait_for(lambda: grace.now(drawn) is None)
        for steps in range(20, 33):
            await server(grace, "limits", steps=steps)
        await server(grace, "limits", steps=32)  # nothing new
        newest = await server(grace, "log")
        assert f"<@{grace.user.id}> set the ceiling of steps to 32" in newest.text
        assert len(newest.text.splitlines()) == 11
        assert labels(newest) == {"Older"}
        grace.press(newest, "Older")
        oldest = await turned(grace, newest, f"cancelled a picture of <@{ada.user.id}>")
        assert f"deleted a picture of <@{ada.user.id}>" in oldest.text
        assert labels(oldest) == {"Newer"}
        grace.press(oldest, "Newer")
        assert (await turned(grace, oldest, "steps to 32")).text == newest.text
        ada.slash("imagine", prompt="a hen")
        mine = await result(ada, "a hen")
        ada.press(mine, "Delete")
        await ada.wait_for(lambda: ada.now(mine) is None)
        assert (await server(grace, "log")).text == newest.text  # what is one's own is nobody's business


async def test_a_comparison_that_a_moderator_ends_is_one_line_of_the_log(
    start: Start, ada: Person, linus: Person, grace: Person
) -> None:
    async with start() as running:
        running.gate.close()
        linus.slash("imagine", prompt="an owl")
        await drawing(linus, "an owl")
        asked = await ada.answer(ada.slash("compare", prompt="a fox", steps="2, 3, 4, 5"))
        ada.press(asked, "Draw")
        waiting = await ada.message(lambda message: message.id == asked.id and labels(message) == {"Cancel"})
        grace.press(waiting, "Cancel")
        await ada.message(lambda message: message.id == asked.id and "Cancel" not in labels(message))
        await running.gate.open()
        await result(linus, "an owl")
        lines = (await server(grace, "log")).text.splitlines()
        assert [line for line in lines if "cancelled" in line] == [lines[-1]]
        assert f"cancelled 4 pictures of <@{ada.user.id}>" in lines[-1]


async def test_everything_that_holds_is_on_one_screen_with_what_changes_it(start: Start, grace: Person) -> None:
    async with start(drawing=False):
        shown = (await server(grace, "show")).text
        [command] = [each for each in grace.scene.commands.registered(None) if each["name"] == "server"]
        names = {option["name"] for option in command["options"]} - {"show", "log"}
        assert {"channels", "block"} <= names
        assert all(f"/server {name}" in shown for name in names)


@pytest.mark.parametrize("prompt", ["a fo()g bank", "a (f:1)(o:1)(g:1)", "fog\u200bbank", "fog1 bank"])
async def test_what_a_model_would_read_as_a_word_that_is_kept_out_is_not_drawn(
    start: Start, ada: Person, grace: Person, prompt: str
) -> None:
    async with start() as running:
        await server(grace, "words", add="fog")
        before = await kept(running)
        assert "out of prompts" in await told(ada, ada.slash("imagine", prompt=prompt))
        assert await kept(running) == before


async def test_a_word_is_kept_out_once_and_let_in_again_however_it_is_typed(start: Start, grace: Person) -> None:
    async with start() as running:

        def words() -> tuple[str, ...]:
            return running.studio.servers.of(STUDIO_ID).words

        await server(grace, "words", add="fóg, fog, f\u200bog, fog*, red cat, red  CAT, mist")
        assert words() == ("fóg", "fog*", "red cat", "mist")
        offered = [each["value"] for each in await grace.suggestions("server words", "remove", "mist, FOG, re")]
        assert offered == ["mist, FOG, red cat"]
        await server(grace, "words", remove="FOG, Mïst")
        assert words() == ("fog*", "red cat")


async def test_a_word_that_nobody_typed_refuses_no_picture_and_is_left_out(
    start: Start, ada: Person, grace: Person
) -> None:
    pixels = a_model(name="pixels", family=Family.LANCZOS, source="", can=(Use.UPSCALE,))
    async with start(others=(pixels,)):
        ada.slash("imagine", prompt="a fog bank")
        drawn = await result(ada, "a fog bank")
        await server(grace, "words", add="fog")
        for asked in (
            lambda: ada.press(drawn, "Upscale"),
            lambda: ada.slash("upscale", image=told_in("a (fo)()g bank, fog")),
            lambda: ada.slash("outpaint", image=told_in("a fog bank"), direction="right"),
        ):
            there = len(results(ada))
            asked()
            await ada.wait_for(lambda there=there: len(results(ada)) > there or None)
            made = max(results(ada), key=lambda message: message.id)
            assert wording.WORDS_LEFT_OUT in made.text
            assert "fog" not in made.text
        typed = ada.slash("upscale", image=told_in("a cat"), prompt="fog")
        assert "out of prompts" in await told(ada, typed)
        assert "out of prompts" in await told(ada, ada.press(drawn, "Re-roll"))
