"""The log of a server says who of its moderators did what, and nothing that is nobody's business."""

from bot.playground import Person
from tests.contract.bot.conftest import Start, drawing, labels, result
from tests.contract.bot.test_server import server, turned


async def test_the_log_says_who_did_what_and_is_turned_both_ways(
    start: Start, ada: Person, linus: Person, grace: Person
) -> None:
    async with start() as running:
        running.gate.close()
        linus.slash("imagine", prompt="a fox")
        await drawing(linus, "a fox")
        ada.slash("imagine", prompt="a cat")
        waiting = await ada.message(lambda message: "a cat" in message.text and "Cancel" in labels(message))
        grace.press(waiting, "Cancel")
        await ada.message(lambda message: "Cancelled; it cost nothing" in message.text)
        await running.gate.open()
        await result(linus, "a fox")
        ada.slash("imagine", prompt="a dog")
        drawn = await result(ada, "a dog")
        await grace.acknowledged(grace.press(drawn, "Delete"))
        await grace.wait_for(lambda: grace.now(drawn) is None)
        for steps in range(20, 33):
            await server(grace, "limits", steps=steps)
        await server(grace, "limits", steps=32)  # nothing new
        newest = await server(grace, "log")
        assert f"<@{grace.user.id}> set the ceiling of steps to 32" in newest.text
        assert len(newest.text.splitlines()) == 11
        assert labels(newest) == {"Older"}
        grace.press(newest, "Older")
        oldest = await turned(grace, newest, f"cancelled a picture of <@{ada.user.id}>")
        assert f"deleted a picture of <@{ada.user.id}>" in oldest.text
        assert labels(oldest) == {"Newer"}
        grace.press(oldest, "Newer")
        assert (await turned(grace, oldest, "steps to 32")).text == newest.text
        ada.slash("imagine", prompt="a hen")
        mine = await result(ada, "a hen")
        ada.press(mine, "Delete")
        await ada.wait_for(lambda: ada.now(mine) is None)
        assert (await server(grace, "log")).text == newest.text  # what is one's own is nobody's business


async def test_a_comparison_that_a_moderator_ends_is_one_line_of_the_log(
    start: Start, ada: Person, linus: Person, grace: Person
) -> None:
    async with start() as running:
        running.gate.close()
        linus.slash("imagine", prompt="an owl")
        await drawing(linus, "an owl")
        asked = await ada.answer(ada.slash("compare", prompt="a fox", steps="2, 3, 4, 5"))
        ada.press(asked, "Draw")
        waiting = await ada.message(lambda message: message.id == asked.id and labels(message) == {"Cancel"})
        grace.press(waiting, "Cancel")
        await ada.message(lambda message: message.id == asked.id and "Cancel" not in labels(message))
        await running.gate.open()
        await result(linus, "an owl")
        lines = (await server(grace, "log")).text.splitlines()
        assert [line for line in lines if "cancelled" in line] == [lines[-1]]
        assert f"cancelled 4 pictures of <@{ada.user.id}>" in lines[-1]
