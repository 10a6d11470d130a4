"""Where a picture's end is told: in its channel, in the waiting message's place, directly, or in the history."""

from bot.playground import Person, Playground
from tests.contract.bot.conftest import Start, answer_of, drawing, is_result, labels, result, results
from tests.contract.bot.test_delivery import QUARTER_OF_AN_HOUR, delivered, only_generation


async def test_a_result_is_an_ordinary_message_and_its_waiting_message_goes(start: Start, ada: Person) -> None:
    async with start() as running:
        running.gate.close()
        asked = ada.slash("imagine", prompt="a red cat")
        waiting = await drawing(ada, "a red cat")
        assert waiting.id == asked.original_id
        await running.gate.open()
        message = await result(ada, "a red cat")
        assert message.interaction is None
        assert message.content.startswith("**a red cat**\n-# some-model · seed ")
        await ada.wait_for(lambda: ada.now(waiting) is None)
        assert await delivered(running, only_generation(ada)) == "channel"


async def test_a_member_without_an_avatar_is_served_like_any_other(start: Start, linus: Person) -> None:
    assert linus.user.avatar is None
    async with start():
        linus.slash("imagine", prompt="a red cat")
        first = await result(linus, "a red cat")
        linus.send("a blue cat", reply_to=first)
        await result(linus, "a blue cat")


async def test_an_expired_interaction_loses_nothing(start: Start, playground: Playground, ada: Person) -> None:
    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a slow cat")
        waiting = await drawing(ada, "a slow cat")
        playground.clock.advance(QUARTER_OF_AN_HOUR)
        await running.gate.open()
        await result(ada, "a slow cat")
        # The bot's own token removes what the interaction's no longer can.
        await ada.wait_for(lambda: ada.now(waiting) is None)


async def test_where_the_bot_may_not_post_the_waiting_message_becomes_the_result(
    start: Start, playground: Playground, ada: Person
) -> None:
    async with start() as running:
        for channel in ("notices", "lounge"):
            there = ada.at(playground.channel(channel))
            asked = there.slash("imagine", prompt="a red cat")
            message = await result(there, "a red cat")
            assert message.id == asked.original_id
            assert await delivered(running, only_generation(there)) == "interaction"


async def test_where_the_bot_may_not_post_and_the_interaction_is_over_it_writes_directly(
    start: Start, playground: Playground, ada: Person
) -> None:
    lounge = ada.at(playground.channel("lounge"))
    async with start() as running:
        running.gate.close()
        lounge.slash("imagine", prompt="a slow cat")
        await drawing(lounge, "a slow cat")
        playground.clock.advance(QUARTER_OF_AN_HOUR)
        await running.gate.open()
        await result(ada.direct(), "a slow cat")
        assert not results(lounge)


async def test_who_takes_no_direct_messages_finds_it_in_the_history(start: Start, playground: Playground) -> None:
    mina = playground.person("mina").at(playground.channel("notices"))
    async with start() as running:
        running.gate.close()
        mina.slash("imagine", prompt="a slow cat")
        await drawing(mina, "a slow cat")
        [job] = running.studio.queue()
        playground.clock.advance(QUARTER_OF_AN_HOUR)
        await running.gate.open()
        assert await delivered(running, job.generation_id) == "history"
        page = await mina.answer(mina.slash("history"))
        assert "a slow cat" in page.text


async def test_a_private_result_never_goes_to_the_channel(
    start: Start, playground: Playground, ada: Person, linus: Person
) -> None:
    async with start() as running:
        quick = ada.slash("imagine", prompt="a quick secret", private=True)
        assert (await result(ada, "a quick secret")).id == quick.original_id
        running.gate.close()
        ada.slash("imagine", prompt="a slow secret", private=True)
        await drawing(ada, "a slow secret")
        playground.clock.advance(QUARTER_OF_AN_HOUR)
        await running.gate.open()
        await result(ada.direct(), "a slow secret")
        assert not [message for message in linus.see() if "secret" in message.text]


async def test_a_deleted_waiting_message_holds_nothing_up(
    start: Start, playground: Playground, ada: Person, grace: Person
) -> None:
    async with start() as running:
        for person, channel in ((ada, "general"), (ada, "lounge")):
            there = person.at(playground.channel(channel))
            running.gate.close()
            there.slash("imagine", prompt="a lonely cat")
            waiting = await drawing(there, "a lonely cat")
            playground.world.delete(waiting)
            await running.gate.open()
            await result(there, "a lonely cat")


async def test_a_failed_job_says_why_and_can_be_tried_again(start: Start, ada: Person) -> None:
    async with start("runs_out_of_memory"):
        asked = ada.slash("imagine", prompt="a vast cat")
        told = await ada.message(lambda message: "ran out of memory" in message.text)
        assert told.id == asked.original_id
        assert "It cost nothing." in told.text
        assert labels(told) == {"Re-roll", "Edit prompt"}
        pressed = ada.press(told, "Re-roll")
        again = await answer_of(ada, pressed)
        await ada.wait_for(lambda: "memory" in getattr(ada.now(again), "text", "") or None)


async def test_a_failure_is_told_when_the_interaction_is_over(
    start: Start, playground: Playground, ada: Person
) -> None:
    async with start("runs_out_of_memory") as running:
        running.gate.close()
        ada.slash("imagine", prompt="a vast cat")
        waiting = await drawing(ada, "a vast cat")
        playground.clock.advance(QUARTER_OF_AN_HOUR)
        await running.gate.open()
        told = await ada.message(lambda message: "ran out of memory" in message.text)
        assert told.id == waiting.id


async def test_a_reply_is_answered_with_a_reply_that_pings_its_author_only(
    start: Start, ada: Person, linus: Person
) -> None:
    async with start():
        ada.slash("imagine", prompt="a red cat")
        first = await result(ada, "a red cat")
        mine = linus.send("a blue cat, @everyone", reply_to=first)
        message = await result(linus, "a blue cat")
        assert message.reference is not None
        assert message.reference.message_id == mine.id
        assert message.mentions == (linus.user.id,)
        assert not message.mention_everyone
        me = message.author_id
        await linus.wait_for(lambda: all(is_result(m) for m in linus.see() if m.author_id == me) or None)
