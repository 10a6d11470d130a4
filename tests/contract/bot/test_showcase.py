"""The showcase shows what everybody who sees it could see, once, and no longer than it is there."""

import asyncio
from dataclasses import replace
from typing import Any

import discord
import pytest

from bot.place import Viewer
from bot.playground import Message, Person, Playground
from bot.playground.cast import BOT_ROLE_ID, MODERATOR_ROLE_ID, STUDIO_ID
from bot.playground.guilds import Channel, Overwrite, Permission
from bot.post import Post
from tests.contract.bot.conftest import Start, answer_of, result, results
from tests.contract.bot.test_server import chosen, server


def hidden(channel: Channel) -> Channel:
    """A channel that only moderators, and Easel, see."""
    seen_by = [
        Overwrite(target_id=role, is_role=True, allow=Permission.VIEW_CHANNEL)
        for role in (MODERATOR_ROLE_ID, BOT_ROLE_ID)
    ]
    everyone = Overwrite(target_id=STUDIO_ID, is_role=True, deny=Permission.VIEW_CHANNEL)
    return replace(channel, overwrites=(everyone, *seen_by))


async def show_in(moderator: Person, channel: Channel) -> None:
    menu = await server(moderator, "showcase")
    await chosen(moderator, menu, "A channel", [channel.id], "posted in")


async def drawn(person: Person, prompt: str) -> Message:
    person.slash("imagine", prompt=prompt)
    return await result(person, prompt)


async def starred(person: Person, message: Message) -> None:
    await answer_of(person, person.press(message, "Star"))


async def test_what_some_who_see_the_showcase_could_not_see_is_not_shown(
    start: Start, playground: Playground, ada: Person, grace: Person
) -> None:
    staff, sketches = playground.channel("notices"), playground.channel("sketches")
    world = playground.world
    world.channels[staff.id] = hidden(staff)
    async with start():
        await show_in(grace, sketches)
        for place in (grace.at(staff), grace.at(playground.channel("back-room"))):  # Easel does not see the latter
            await starred(place, await drawn(place, "a secret"))
        await starred(grace, await drawn(grace, "a public cat"))
        public = await result(ada.at(sketches), "a public cat")
        assert [message.id for message in results(ada.at(sketches))] == [public.id]
    world.channels[sketches.id] = hidden(sketches)
    async with start():  # where the showcase is for the same ones alone, they may see it
        await starred(grace.at(staff), await drawn(grace.at(staff), "a staff cat"))
        await result(grace.at(sketches), "a staff cat")


@pytest.mark.parametrize("kind", [discord.ChannelType.public_thread, discord.ChannelType.private_thread])
async def test_a_private_thread_is_for_those_in_it(
    start: Start, playground: Playground, ada: Person, grace: Person, kind: discord.ChannelType
) -> None:
    sketches = playground.channel("sketches")
    async with start() as running:
        await show_in(grace, sketches)
        message = await drawn(ada, "a cat")
        guild = running.bot.get_guild(STUDIO_ID)
        assert guild is not None
        thread = a_thread(guild, ada.channel.id, kind)
        guild._add_thread(thread)
        viewer = Viewer(member_id=ada.user.id, guild_id=STUDIO_ID, resident=True)
        generation = await running.bot.desk.history.recall(message.attachments[0].filename[:10], viewer)
        await running.bot.desk.showcase.show(replace(generation, channel_id=thread.id), viewer)
        assert bool(results(ada.at(sketches))) == (kind is discord.ChannelType.public_thread)


def a_thread(guild: discord.Guild, parent_id: int, kind: discord.ChannelType) -> discord.Thread:
    data: Any = {
        "id": "1100000000000009999",
        "parent_id": str(parent_id),
        "type": kind.value,
        "name": "a thread",
        "owner_id": "1",
        "message_count": 0,
        "member_count": 1,
        "thread_metadata": {
            "archived": False,
            "auto_archive_duration": 60,
            "archive_timestamp": "2024-01-01T00:00:00+00:00",
        },
    }
    return discord.Thread(guild=guild, state=guild._state, data=data)


class Held:
    """The post of a showcase, held up on its way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.send = Post.send_to_channel

        async def send(post: Post, channel_id: int, **message: Any) -> int:
            if message["key"].startswith("showcase"):
                self.begun.set()
                await self.go_on.wait()
            return await self.send(post, channel_id, **message)

        monkeypatch.setattr(Post, "send_to_channel", send)


async def test_what_is_deleted_while_it_is_posted_is_taken_down(
    start: Start,
    playground: Playground,
    ada: Person,
    linus: Person,
    grace: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sketches = playground.channel("sketches")
    async with start():
        await show_in(grace, sketches)
        message = await drawn(ada, "a red cat")
        held = Held(monkeypatch)
        linus.press(message, "Star")
        await held.begun.wait()
        ada.press(message, "Delete")
        await ada.wait_for(lambda: ada.now(message) is None)
        held.go_on.set()
        posted = await result(ada.at(sketches), "a red cat")
        await ada.wait_for(lambda: ada.at(sketches).now(posted) is None)


async def test_two_stars_at_once_show_it_once_and_one_that_was_cut_off_can_be_set_again(
    start: Start,
    playground: Playground,
    ada: Person,
    linus: Person,
    grace: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = ada.at(playground.channel("sketches"))
    async with start():
        await show_in(grace, there.channel)
        message = await drawn(ada, "a red cat")
        held = Held(monkeypatch)
        await starred(linus, message)
        await held.begun.wait()
        await starred(grace, message)
    # Easel was stopped while it was on its way.
    monkeypatch.undo()
    assert results(there) == []
    async with start():
        held = Held(monkeypatch)
        await starred(ada, message)
        await held.begun.wait()
        await starred(linus, message)  # takes it back
        await starred(linus, message)
        held.go_on.set()
        await result(there, "a red cat")
        await starred(ada, await drawn(ada, "a blue fish"))
        await result(there, "a blue fish")
        assert len(results(there)) == 2


async def test_a_prompt_that_is_kept_out_by_now_is_not_shown(
    start: Start, playground: Playground, ada: Person, grace: Person
) -> None:
    there = ada.at(playground.channel("sketches"))
    async with start():
        await show_in(grace, there.channel)
        foggy = await drawn(ada, "a fog bank")
        ada.slash("imagine", prompt="a slow cat", steps=40)
        slow = await result(ada, "a slow cat")
        await server(grace, "words", add="fog")
        await server(grace, "limits", steps=10)
        await starred(ada, foggy)
        await starred(ada, slow)  # what is drawn by now is no matter of ceilings
        await result(there, "a slow cat")
        assert len(results(there)) == 1
