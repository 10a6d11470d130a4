"""Who could be told of something by no way is told beside an answer, once, and of everything."""

import pytest

from bot.playground import Delayed, Fault, Message, Person, Playground
from tests.contract.bot.conftest import Start, drawing, result, until
from tests.contract.bot.test_delivery import QUARTER_OF_AN_HOUR, delivered


async def test_who_could_be_told_by_no_way_is_told_beside_the_next_answer_and_once(
    start: Start, playground: Playground, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.reminder._LOOKS", (0.1,) * 100)
    mina = playground.person("mina")
    there = mina.at(playground.channel("notices"))
    async with start() as running:
        running.gate.close()
        there.slash("imagine", prompt="a slow cat")
        await drawing(there, "a slow cat")
        [job] = running.studio.queue()
        playground.clock.advance(QUARTER_OF_AN_HOUR)
        await running.gate.open()
        assert await delivered(running, job.generation_id) == "history"
        mina.slash("imagine", prompt="a quick cat")
        await result(mina, "a quick cat")
        note = await mina.message(lambda message: "waits in /history" in message.text)
        assert note.only_for == mina.user.id
        assert not [message for message in ada.see() if "waits in /history" in message.text]

        async def noted() -> object:
            return await running.studio.unseen(mina.user.id) == ([], []) or None

        await until(noted)
        await mina.answer(mina.slash("queue"))
    async with start():
        await mina.answer(mina.slash("info"))
        assert len([message for message in mina.see() if "waits in /history" in message.text]) == 1


async def test_what_comes_into_the_history_while_its_member_is_told_of_another_is_told_beside_the_next_answer(
    start: Start, playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.reminder._LOOKS", (0.1,) * 100)
    mina = playground.person("mina")
    there = mina.at(playground.channel("notices"))

    def notes() -> list[Message]:
        return [message for message in mina.see() if "waits in /history" in message.text]

    async with start() as running:
        running.gate.close()
        there.slash("imagine", prompt="a first cat")
        await drawing(there, "a first cat")
        there.slash("imagine", prompt="a second cat")
        await there.message(lambda message: "Next in line" in message.text)
        first, second = (job.generation_id for job in running.studio.queue())
        playground.clock.advance(QUARTER_OF_AN_HOUR)
        for seconds in (0.0, 0.0, 2.0):  # the first goes to the channel and directly, in vain
            late = Fault(mishap=Delayed(seconds=seconds), method="POST", path=r"/channels/\d+/messages")
            playground.faults.add(late)
        playground.faults.add(Fault(mishap=Delayed(seconds=4.0), method="POST", path=r"/webhooks/.*"))
        await running.gate.open()
        assert await delivered(running, first) == "history"
        mina.slash("queue")
        assert await delivered(running, second) == "history"
        assert not notes()
        await mina.wait_for(lambda: len(notes()) == 1 or None)

        async def noted() -> object:
            return await running.studio.unseen(mina.user.id) == ([second], []) or None

        await until(noted)
        mina.slash("queue")
        await mina.wait_for(lambda: len(notes()) == 2 or None)
