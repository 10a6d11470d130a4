"""What moderators decide holds, whichever way a picture is asked for; and whoever is refused loses nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import pytest

import db
from bot.place import Viewer
from bot.playground import Interaction, Message, NotPossible, Person, Playground
from bot.playground.cast import ARTIST_ROLE_ID, BOT_ROLE_ID, MODERATOR_ROLE_ID, STUDIO_ID
from bot.playground.messages import walk
from tests.contract.bot.conftest import Running, Start, a_picture, answer_of, drawing, result, until

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


async def test_everything_that_holds_is_on_one_screen_with_what_changes_it(start: Start, grace: Person) -> None:
    async with start(drawing=False):
        shown = (await server(grace, "show")).text
        [command] = [each for each in grace.scene.commands.registered(None) if each["name"] == "server"]
        names = {option["name"] for option in command["options"]} - {"show", "log"}
        assert {"channels", "block"} <= names
        assert all(f"/server {name}" in shown for name in names)
