"""Which faults pass, and how often one insists."""

import aiohttp
import discord
import pytest

from bot.post import insist, passing


class Response:
    """As much of an aiohttp response as discord.py's errors look at."""

    reason = "because"

    def __init__(self, status: int) -> None:
        self.status = status


def refused(status: int, code: int = 0) -> discord.HTTPException:
    return discord.HTTPException(Response(status), {"code": code, "message": "no"})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fault",
    [
        refused(500),
        refused(503),
        refused(429),
        aiohttp.ServerDisconnectedError(),
        aiohttp.ClientOSError(104, "Connection reset by peer"),
        ConnectionResetError(),
        TimeoutError(),
    ],
    ids=repr,
)
def test_faults_of_the_moment_pass(fault: Exception) -> None:
    assert passing(fault)


@pytest.mark.parametrize(
    "fault",
    [refused(400, 50035), refused(401, 50027), refused(403, 50013), refused(404, 10008), OSError(28, "full")],
    ids=repr,
)
def test_answers_and_other_faults_do_not(fault: Exception) -> None:
    assert not passing(fault)


class Flaky:
    """Fails so many times, then answers."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.faults:
            raise self.faults.pop(0)
        return "done"


async def test_a_passing_fault_is_made_good() -> None:
    flaky = Flaky(TimeoutError())
    assert await insist(flaky) == "done"
    assert flaky.calls == 2


async def test_a_refusal_is_not_insisted_against() -> None:
    flaky = Flaky(refused(404, 10008))
    with pytest.raises(discord.HTTPException):
        await insist(flaky)
    assert flaky.calls == 1


async def test_insisting_ends() -> None:
    flaky = Flaky(*[TimeoutError() for _ in range(9)])
    with pytest.raises(TimeoutError):
        await insist(flaky, tries=2)
    assert flaky.calls == 2
