"""Results come in the order of their ends, and none keeps another back."""

import pytest

import db
from bot.playground import Failure, Fault, Person, Playground
from tests.contract.bot.conftest import Start, drawing, is_result, result, results, until
from tests.contract.bot.test_comparing import asked, is_sheet, told
from tests.contract.bot.test_delivery import delivered, generation_of


async def test_a_sheet_and_a_result_come_in_the_order_of_their_ends_also_after_a_restart(
    start: Start, playground: Playground, ada: Person, linus: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery._PAUSES", (0.01,) * 100)
    monkeypatch.setattr("bot.post._FIRST_PAUSE", 0.01)

    async def all_ended() -> list[str] | None:
        async with running.database.reading() as connection:
            due = await db.deliveries.due(connection)
        return due if len(due) == 4 else None

    async with start() as running:
        running.gate.close()
        linus.slash("imagine", prompt="a first cat")
        await drawing(linus, "a first cat")
        linus.slash("imagine", prompt="a second cat")
        await linus.message(lambda message: "a second cat" in message.text and "Next in line" in message.text)
        ada.press(await asked(ada, seed="1, 2"), "Draw")
        await told(ada, "0 of 2 done")
        linus.slash("imagine", prompt="a last cat")
        await linus.message(lambda message: "a last cat" in message.text and "queue" in message.text)
        playground.faults.add(Fault(mishap=Failure(status=503), path=r"/(channels|webhooks)/.*", count=100_000))
        await running.gate.open()
        due = await until(all_ended, 60.0)
    playground.faults.clear()
    async with start(drawing=False):
        await result(linus, "a last cat")
        shown = [message for message in ada.see() if is_result(message) or is_sheet(message)]
        assert [generation_of(message) for message in shown] == due
        assert [is_sheet(message) for message in shown] == [False, False, True, False]


async def test_results_come_in_the_order_of_their_ends_whatever_befalls_the_first(
    start: Start, playground: Playground, ada: Person, linus: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery._PAUSES", (0.01,) * 100)
    monkeypatch.setattr("bot.post._FIRST_PAUSE", 0.01)
    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a first cat")
        await drawing(ada, "a first cat")
        linus.slash("imagine", prompt="a second cat")
        await linus.message(lambda message: "Next in line" in message.text)
        playground.faults.add(
            Fault(mishap=Failure(status=503), method="POST", path=r"/channels/\d+/messages", count=9)
        )
        await running.gate.open()
        await result(ada, "a first cat")
        await result(ada, "a second cat")
        assert ["first" in message.text for message in results(ada)] == [True, False]


async def test_a_result_whose_record_cannot_be_read_keeps_no_other_back(
    start: Start, playground: Playground, ada: Person, linus: Person
) -> None:
    async with start() as running:
        ada.slash("imagine", prompt="a red cat")
        await delivered(running, generation_of(await result(ada, "a red cat")))
        linus.slash("imagine", prompt="a blue cat")
        await delivered(running, generation_of(await result(linus, "a blue cat")))
        async with running.database.transaction() as connection:
            await connection.execute_fetchall("UPDATE deliveries SET state = 'pending', route = NULL")
            await connection.execute_fetchall(
                """
                UPDATE generations SET recipe = json_set(recipe, '$.scheduler', 'none') WHERE prompt = 'a red cat'
                """
            )
    for message in results(ada):
        playground.world.delete(message)
    async with start():
        await result(linus, "a blue cat")
        ada.slash("imagine", prompt="a green cat")
        await result(ada, "a green cat")


async def test_a_waiting_job_whose_record_cannot_be_read_keeps_no_other_back(start: Start, ada: Person) -> None:
    async with start(drawing=False) as running:
        for prompt in ("a red cat", "a blue cat"):
            ada.slash("imagine", prompt=prompt)
            await ada.message(lambda message, prompt=prompt: prompt in message.text)
        async with running.database.transaction() as connection:
            await connection.execute_fetchall(
                """
                UPDATE jobs SET failure_kind = 'none'
                WHERE generation_id IN (SELECT id FROM generations WHERE prompt = 'a red cat')
                """
            )
    async with start():
        await result(ada, "a blue cat")
