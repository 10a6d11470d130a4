"""What goes wrong on demand, and the real client in it."""

import time

import aiohttp
import discord
import pytest

from bot.playground import LIKE_DISCORD, Delayed, Dropped, Failure, Fault, Moment, Person, Playground, RateLimited
from tests.contract.playground.probe import PICTURE, Probe, a_file

MESSAGES = r"/channels/\d+/messages"


def send(bot: Probe, person: Person) -> object:
    return bot.get_partial_messageable(person.channel.id).send("hello")


@pytest.mark.parametrize("everywhere", [False, True])
async def test_rate_limited_client_waits_and_succeeds(
    playground: Playground, ada: Person, bot: Probe, everywhere: bool
) -> None:
    playground.faults.add(Fault(mishap=RateLimited(retry_after=0.2, everywhere=everywhere), path=MESSAGES))
    start = time.monotonic()
    await send(bot, ada)
    assert time.monotonic() - start >= 0.2
    assert [message.content for message in ada.see()] == ["hello"]
    assert len(playground.faults.happened) == 1


async def test_unavailable_reaches_the_bot(playground: Playground, ada: Person, bot: Probe) -> None:
    playground.faults.add(Fault(mishap=Failure(status=503), method="POST", path=MESSAGES))
    with pytest.raises(discord.DiscordServerError) as caught:
        await send(bot, ada)
    assert caught.value.status == 503
    assert ada.see() == []
    await send(bot, ada)


async def test_failure_after_the_work_leaves_the_work_done(
    playground: Playground, ada: Person, bot: Probe
) -> None:
    playground.faults.add(Fault(mishap=Failure(status=503, after_work=True), path=MESSAGES))
    with pytest.raises(discord.DiscordServerError):
        await send(bot, ada)
    assert [message.content for message in ada.see()] == ["hello"]


@pytest.mark.parametrize(("moment", "done"), [(Moment.BEFORE, False), (Moment.DURING, True), (Moment.AFTER, True)])
async def test_dropped_connection_reaches_the_bot(
    playground: Playground, ada: Person, bot: Probe, moment: Moment, done: bool
) -> None:
    playground.faults.add(Fault(mishap=Dropped(moment=moment), method="POST", path=MESSAGES))
    with pytest.raises((aiohttp.ClientError, OSError)):
        await send(bot, ada)
    assert bool(ada.see()) is done
    await send(bot, ada)


async def test_reading_a_file_can_fail_and_succeed_again(playground: Playground, ada: Person, bot: Probe) -> None:
    sent = await bot.get_partial_messageable(ada.channel.id).send(file=a_file())
    for mishap in (Failure(status=503), RateLimited(retry_after=1), Dropped(moment=Moment.DURING)):
        playground.faults.add(Fault(mishap=mishap, path="/attachments/.*"))
        with pytest.raises((discord.HTTPException, aiohttp.ClientError)):
            await sent.attachments[0].read()
    assert await sent.attachments[0].read() == PICTURE


async def test_delay_holds_one_request_and_only_that(playground: Playground, ada: Person, bot: Probe) -> None:
    playground.faults.add(Fault(mishap=Delayed(seconds=0.2), path=MESSAGES))
    start = time.monotonic()
    await send(bot, ada)
    assert time.monotonic() - start >= 0.2
    assert playground.faults.take("POST", "/channels/1/messages") is None


async def test_every_answer_tells_its_rate_limit(playground: Playground) -> None:
    headers = {"Authorization": f"Bot {playground.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for path, status in (("/users/@me", 200), ("/channels/5", 404), ("/nowhere", 404)):
            async with session.get(playground.api_url + path) as answer:
                assert answer.status == status
                assert answer.headers["Content-Type"] == "application/json"
                assert {
                    "X-RateLimit-Limit",
                    "X-RateLimit-Remaining",
                    "X-RateLimit-Bucket",
                } <= answer.headers.keys()


async def test_limits_like_discords_refuse_the_sixth_message() -> None:
    async with Playground(limits=LIKE_DISCORD) as playground:
        headers = {"Authorization": f"Bot {playground.token}"}
        url = f"{playground.api_url}/channels/{playground.channel('general').id}/messages"
        async with aiohttp.ClientSession(headers=headers) as session:
            statuses = []
            for number in range(6):
                async with session.post(url, json={"content": str(number)}) as answer:
                    statuses.append(answer.status)
                    body = await answer.json()
            assert statuses == [200] * 5 + [429]
            assert body["retry_after"] <= 5


async def test_while_it_is_away_nobody_reaches_it_and_afterwards_everybody_does(playground: Playground) -> None:
    async with aiohttp.ClientSession() as session:
        async with playground.away():
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(playground.url)
        async with session.get(playground.url) as answer:
            assert answer.status == 200
