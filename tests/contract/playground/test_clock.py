"""Time that tests move, and ids that follow it."""

import pytest

from bot.playground import Clock
from bot.playground.clock import Snowflakes
from bot.playground.limits import Limit, Limits
from bot.playground.sessions import KEPT_EVENTS, Intent, Session


async def test_alarms_ring_in_their_order_when_time_passes_them() -> None:
    clock, rung = Clock(frozen_at=1000.0), []
    clock.alarm(1005, lambda: rung.append("second"))
    clock.alarm(1003, lambda: rung.append("first"))
    clock.alarm(1004, lambda: rung.append("never")).cancel()
    clock.advance(2.9)
    assert rung == []
    clock.advance(2.1)
    assert rung == ["first", "second"]
    assert clock.now() == 1005


async def test_running_clock_rings_by_itself() -> None:
    import asyncio

    clock, rung = Clock(), asyncio.Event()
    clock.alarm(clock.now() + 0.02, rung.set)
    await asyncio.wait_for(rung.wait(), 5)
    clock.close()


async def test_clock_never_goes_back() -> None:
    with pytest.raises(ValueError, match="only moves forward"):
        Clock().advance(-1)


def test_snowflakes_grow_and_hold_their_time() -> None:
    clock = Clock(frozen_at=1_600_000_000.0)
    ids = Snowflakes(clock)
    made = [ids.new() for _ in range(100)]
    assert made == sorted(set(made))
    assert (made[0] >> 22) + Snowflakes.EPOCH_MS == 1_600_000_000_000


def test_limit_refuses_what_is_too_much_by_channel() -> None:
    limits = Limits({("POST", "/x/{channel_id}"): Limit(requests=2, seconds=60)})
    standings = [limits.count("POST", "/x/{channel_id}", {"channel_id": "1"}) for _ in range(3)]
    assert [standing.refused for standing in standings] == [False, False, True]
    assert [standing.remaining for standing in standings] == [1, 0, 0]
    assert not limits.count("POST", "/x/{channel_id}", {"channel_id": "2"}).refused


def test_session_that_missed_too_much_cannot_be_resumed() -> None:
    session = Session(intents=Intent.GUILDS, shard=(0, 1))
    for number in range(KEPT_EVENTS + 1):
        session.dispatch("EVENT", {"number": number})
    assert session.missed_since(0) is None
    assert len(session.missed_since(1)) == KEPT_EVENTS
    assert session.missed_since(session.sequence) == []
    assert session.missed_since(session.sequence + 1) is None
