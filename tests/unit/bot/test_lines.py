"""Lines keep the order in which their people came, and nobody is held up by one who is stuck alone."""

import asyncio
from collections.abc import Callable

import pytest

from bot.lines import PATIENCE, Lines


async def served(people: str, fails: Callable[[str, int], bool]) -> str:
    """The order in which `people` are served, who try until then; `fails(who, turns so far)` says who fails."""
    lines, order, turns = Lines(), [], 0

    async def stand(who: str) -> None:
        nonlocal turns
        try:
            while who not in order:
                try:
                    async with lines.turn(0, who):
                        turns += 1
                        if fails(who, turns):
                            raise ConnectionError  # noqa: TRY301  (as what is tried would)
                        await asyncio.sleep(0)
                        order.append(who)
                except ConnectionError:
                    await asyncio.sleep(0)
        finally:
            lines.leave(0, who)

    for who in people:
        lines.stand(0, who)
    async with asyncio.timeout(5), asyncio.TaskGroup() as standing:
        for who in reversed(people):
            standing.create_task(stand(who))
    return "".join(order)


async def test_who_came_first_is_served_first() -> None:
    assert await served("abcd", lambda who, turns: False) == "abcd"


async def test_however_long_everybody_fails_nobody_is_overtaken() -> None:
    for length in (1, PATIENCE - 1, 3 * PATIENCE + 1, 20 * PATIENCE):
        assert await served("abcd", lambda who, turns, length=length: turns <= length) == "abcd"


async def test_one_who_is_stuck_alone_lets_the_others_by_after_a_while() -> None:
    assert await served("abcd", lambda who, turns: who == "a" and turns < 4 * PATIENCE) == "bcda"


async def test_two_who_are_stuck_let_the_others_by() -> None:
    order = await served("abcd", lambda who, turns: who in "ab" and turns < 8 * PATIENCE)
    assert order.index("c") < order.index("d")
    assert sorted(order) == list("abcd")


async def test_at_another_place_nobody_waits() -> None:
    lines = Lines()
    lines.stand(0, "a")
    lines.stand(1, "b")
    async with asyncio.timeout(1), lines.turn(1, "b"):
        pass


async def test_a_fault_that_would_meet_anybody_lets_nobody_by() -> None:
    lines = Lines(blameless=(ConnectionError,))
    lines.stand(0, "a")
    lines.stand(0, "b")
    for _ in range(3 * PATIENCE):
        with pytest.raises(ConnectionError):
            async with lines.turn(0, "a"):
                raise ConnectionError
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), lines.turn(0, "b"):
            pass
