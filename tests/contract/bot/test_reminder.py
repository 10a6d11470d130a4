"""Who could be told of something by no way is told beside an answer, once, and of everything."""

import pytest

from bot.playground import Person, Playground
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
