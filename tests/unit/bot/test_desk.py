"""Who asks, and where: what Discord tells of it, with and without the channels around."""

from typing import Any

import discord
import pytest

from bot.desk import _around

CATEGORY, CHANNEL, THREAD = 5, 6, 7


@pytest.fixture
async def guild() -> discord.Guild:
    client = discord.Client(intents=discord.Intents.none())
    return discord.Guild(data={"id": "1"}, state=client._connection)  # type: ignore[typeddict-item]


def a_channel(guild: discord.Guild, category_id: int | None) -> discord.TextChannel:
    data: Any = {"id": CHANNEL, "type": 0, "name": "art", "position": 0, "parent_id": category_id}
    return discord.TextChannel(state=guild._state, guild=guild, data=data)


def a_thread(guild: discord.Guild) -> discord.Thread:
    metadata = {"archived": False, "auto_archive_duration": 60, "archive_timestamp": "2026-01-01T00:00:00+00:00"}
    data: Any = {
        "id": THREAD,
        "type": 11,
        "parent_id": CHANNEL,
        "owner_id": 1,
        "name": "a thread",
        "message_count": 0,
        "member_count": 0,
        "thread_metadata": metadata,
    }
    return discord.Thread(guild=guild, state=guild._state, data=data)


async def test_a_channel_is_in_its_category_and_a_thread_in_both(guild: discord.Guild) -> None:
    channel = a_channel(guild, CATEGORY)
    guild._add_channel(channel)
    assert _around(channel) == {CATEGORY}
    assert _around(a_thread(guild)) == {CHANNEL, CATEGORY}


async def test_what_is_not_known_of_a_place_is_left_out(guild: discord.Guild) -> None:
    assert _around(a_thread(guild)) == {CHANNEL}
    assert _around(a_channel(guild, None)) == set()
    assert _around(None) == set()
