"""`/compare`: the cost comes first, cells are ordinary jobs, and the sheet comes once, whatever happens."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

import db
from bot.playground import Failure, Fault, Message, Person, Playground
from tests.contract.bot.conftest import Running, Start, answer_of, is_result, labels, results, until

OPEN = "Open one of these pictures"
SLOW = 60.0  # seconds: a worker has to start, and to draw several pictures


async def asked(person: Person, **lists: object) -> Message:
    """The question, with its cost."""
    return await answer_of(person, person.slash("compare", **{"prompt": "a red cat"} | lists))


def is_sheet(message: Message) -> bool:
    return any(attachment.filename.startswith("compare-") for attachment in message.attachments)


def sheets(person: Person) -> list[Message]:
    return [message for message in person.see() if is_sheet(message)]


async def the_sheet(person: Person) -> Message:
    return await person.message(is_sheet, SLOW)


async def posted(person: Person, words: str) -> Message:
    """The result with these words in its line."""
    return await person.message(lambda message: is_result(message) and words in message.text, SLOW)


async def told(person: Person, words: str) -> Message:
    return await person.message(lambda message: words in message.text, SLOW)


def cells(message: Message) -> list[str]:
    """What can be opened, as the menu below a sheet calls it."""
    [menu] = [part for row in message.components for part in row["components"] if part.get("options")]
    return [option["label"] for option in menu["options"]]


async def charges(running: Running) -> list[tuple[float, float]]:
    """(amount, refunded) of every charge there ever was."""
    async with running.database.reading() as connection:
        rows = await connection.execute_fetchall("SELECT amount, refunded FROM charges ORDER BY generation_id")
    return [(amount, refunded) for amount, refunded in rows]


async def rows_of(running: Running, table: str) -> int:
    async with running.database.reading() as connection:
        [(count,)] = await connection.execute_fetchall(f"SELECT count(*) FROM {table}")  # noqa: S608
    return int(count)


async def test_the_cost_comes_first_and_nothing_is_charged_before_a_yes(start: Start, ada: Person) -> None:
    async with start() as running:
        question = await asked(ada, steps="10, 20, 30", guidance="3, 7.5")
        assert labels(question) == {"Draw", "Not now"}
        assert "A sheet of 6 pictures: steps 10, 20, 30 · guidance 3, 7.5." in question.text
        assert "of drawing time; you have" in question.text
        assert await charges(running) == []
        assert running.studio.queue() == ()
        ada.press(question, "Not now")
        await ada.wait_for(lambda: ada.now(question) is None)
        assert await rows_of(running, "sheets") == await rows_of(running, "generations") == 0


async def test_a_sheet_shows_every_cell_with_its_label_and_one_seed(start: Start, ada: Person) -> None:
    async with start() as running:
        question = await asked(ada, steps="10, 12, 14", guidance="3, 7.5")
        ada.press(question, "Draw")
        sheet = await the_sheet(ada)
        assert sheet.interaction is None  # an ordinary message, for everybody
        assert cells(sheet) == [
            f"steps {steps}, guidance {guidance}" for guidance in ("3", "7.5") for steps in (10, 12, 14)
        ]
        [attachment] = sheet.attachments
        image = Image.open(BytesIO(ada.download(attachment)))
        assert image.width / image.height == pytest.approx(3 / 2, rel=0.35)
        async with running.database.reading() as connection:
            rows = await connection.execute_fetchall("SELECT DISTINCT seed FROM generations")
        assert len([*rows]) == 1
        assert len(await charges(running)) == 6
        await ada.wait_for(lambda: ada.now(question) is None)
        assert results(ada) == []  # cells are no messages of their own


async def test_pressing_draw_twice_draws_once(start: Start, ada: Person) -> None:
    async with start(drawing=False) as running:
        question = await asked(ada, seed="1, 2")
        for _ in range(2):
            ada.press(question, "Draw")
        await told(ada, "being drawn already")
        assert len(running.studio.queue()) == len(await charges(running)) == 2


async def test_only_who_asked_says_yes(start: Start, ada: Person, linus: Person) -> None:
    async with start() as running:
        question = await asked(ada, seed="1, 2")
        for button in ("Draw", "Not now"):
            answer = await answer_of(linus, linus.press(question, button))
            assert "somebody else's comparison" in answer.text
        assert await charges(running) == []
        assert ada.now(question) is not None


async def test_a_cell_is_opened_as_a_normal_result_and_once(start: Start, ada: Person, linus: Person) -> None:
    async with start() as running:
        ada.press(await asked(ada, seed="41, 42"), "Draw")
        sheet = await the_sheet(ada)
        linus.select(sheet, OPEN, ["seed 42"])
        opened = await posted(linus, "seed 42")
        assert opened.only_for is None
        assert {"Re-roll", "Vary", "Upscale", "Edit prompt", "Recipe", "Star", "Delete"} <= labels(opened)
        again = await answer_of(ada, ada.select(sheet, OPEN, ["seed 42"]))
        assert again.only_for == ada.user.id
        assert is_result(again)
        assert len([message for message in results(linus) if "seed 42" in message.text]) == 1
        del running


async def test_cells_are_opened_after_a_restart_too(start: Start, ada: Person) -> None:
    async with start():
        ada.press(await asked(ada, seed="41, 42"), "Draw")
        sheet = await the_sheet(ada)
    async with start():
        ada.select(sheet, OPEN, ["seed 41"])
        await posted(ada, "seed 41")


async def test_a_comparison_goes_on_after_a_restart_and_comes_once(
    start: Start, ada: Person, tmp_path: Path
) -> None:
    async with start() as running:
        running.gate.close()
        question = await asked(ada, seed="1, 2, 3")
        ada.press(question, "Draw")
        await told(ada, "0 of 3 done")
        paid = await charges(running)
    async with start(drawing=False) as running:  # another start that draws nothing
        await ada.message(lambda message: message.id == question.id and "0 of 3 done" in message.text)
        assert len(running.studio.queue()) == 3
    (tmp_path / "pictures" / "drawn" / "gate").unlink()  # nobody waits there any more
    async with start() as running:
        await the_sheet(ada)
        assert [amount for amount, _ in await charges(running)] == [amount for amount, _ in paid]
    async with start() as running:
        await ada.answer(ada.slash("queue"))
        assert len(sheets(ada)) == 1


async def test_a_question_can_be_said_yes_to_after_a_restart(start: Start, ada: Person) -> None:
    async with start():
        question = await asked(ada, steps="5, 6")
    async with start():
        ada.press(question, "Draw")
        await the_sheet(ada)


async def test_others_are_served_between_the_cells(start: Start, ada: Person, linus: Person) -> None:
    async with start() as running:
        running.gate.close()
        ada.press(await asked(ada, seed="1, 2, 3, 4, 5, 6"), "Draw")
        await told(ada, "0 of 6 done")
        linus.slash("imagine", prompt="a blue dog")
        await linus.message(lambda message: "a blue dog" in message.text and "Next in line" in message.text)
        await running.gate.open()
        await posted(linus, "a blue dog")
        await the_sheet(ada)
        served = [message.id for message in ada.see() if is_sheet(message) or "a blue dog" in message.text]
        assert served == sorted(served)  # ids grow with time: the one picture came before the sheet
        assert len(served) == 2


async def test_a_cell_that_fails_is_empty_and_costs_nothing(start: Start, ada: Person) -> None:
    async with start("runs_out_in_many_steps") as running:
        ada.press(await asked(ada, steps="10, 20", guidance="3, 7"), "Draw")
        sheet = await the_sheet(ada)
        assert cells(sheet) == ["steps 10, guidance 3", "steps 10, guidance 7"]
        assert "ran out of memory" in sheet.text
        assert "It cost nothing." in sheet.text
        refunds = sorted(amount - refunded for amount, refunded in await charges(running))
        assert refunds[:2] == [0.0, 0.0]
        assert refunds[2] > 0


async def test_cancelling_stops_all_cells_and_costs_nothing(start: Start, ada: Person, linus: Person) -> None:
    async with start("waits_for_cancel") as running:
        question = await asked(ada, seed="1, 2, 3")
        ada.press(question, "Draw")
        waiting = await told(ada, "0 of 3 done")
        refused = await answer_of(linus, linus.press(waiting, "Cancel"))
        assert "Only the member who asked" in refused.text
        ada.press(waiting, "Cancel")
        ended = await told(ada, "Cancelled; it cost nothing.")
        assert ended.id == question.id
        assert labels(ended) == set()
        assert all(amount == refunded for amount, refunded in await charges(running))
        assert running.studio.queue() == ()


async def test_a_private_comparison_is_seen_by_nobody_else(
    start: Start, playground: Playground, ada: Person, linus: Person
) -> None:
    async with start() as running:
        async with running.database.transaction() as connection:
            await db.preferences.put(connection, db.PreferencesRow(member_id=ada.user.id, private=True))
        question = await asked(ada, seed="1, 2")
        assert question.only_for == ada.user.id
        ada.press(question, "Draw")
        sheet = await the_sheet(ada)
        assert sheet.only_for == ada.user.id
        opened = await answer_of(ada, ada.select(sheet, OPEN, ["seed 1"]))
        assert opened.only_for == ada.user.id
        assert not [message for message in linus.see() if message.author_id == playground.world.bot_id]


async def test_deleting_a_sheet_deletes_its_pictures_and_what_was_opened(
    start: Start, ada: Person, linus: Person, grace: Person
) -> None:
    async with start() as running:
        ada.press(await asked(ada, seed="41, 42"), "Draw")
        sheet = await the_sheet(ada)
        ada.select(sheet, OPEN, ["seed 41"])
        opened = await posted(ada, "seed 41")

        async def is_told() -> bool | None:
            async with running.database.reading() as connection:
                rows = await connection.execute_fetchall("SELECT 1 FROM deliveries WHERE state = 'delivered'")
            return bool([*rows]) or None

        await until(is_told)
        refused = await answer_of(linus, linus.press(sheet, "Delete"))
        assert "Only the member who asked" in refused.text
        grace.press(sheet, "Delete")
        await ada.wait_for(lambda: ada.now(sheet) is None and ada.now(opened) is None)
        assert await rows_of(running, "generations") == await rows_of(running, "cells") == 0


async def test_a_sheet_can_be_deleted_as_soon_as_it_is_seen(
    start: Start, playground: Playground, ada: Person
) -> None:
    async with start() as running:
        question = await asked(ada, seed="41, 42")
        # As long as the message that waited for it cannot be removed, its delivery is not on record.
        playground.faults.add(Fault(mishap=Failure(status=503), method="DELETE", path=r".*/messages/\d+", count=4))
        ada.press(question, "Draw")
        sheet = await the_sheet(ada)
        deleted = await answer_of(ada, ada.press(sheet, "Delete"))
        assert "deleted for good" in deleted.text
        await ada.wait_for(lambda: ada.now(sheet) is None)
        assert await rows_of(running, "sheets") == await rows_of(running, "generations") == 0


async def test_what_is_too_dear_is_refused_before_anything_is_recorded(start: Start, ada: Person) -> None:
    async with start(capacity=20.0) as running:
        running.gate.close()
        ada.slash("imagine", prompt="a red cat", steps=1, size="256x256")
        await told(ada, "step 1 of")
        answer = await asked(ada, steps="10, 20, 30")
        assert "there is enough again" in answer.text
        assert await rows_of(running, "sheets") == 0
        await running.gate.open()


@pytest.mark.parametrize(
    ("lists", "sentence"),
    [
        ({}, "There is nothing to compare yet"),
        ({"steps": "10"}, "There is nothing to compare yet"),
        ({"steps": "10, 20", "guidance": "1, 2", "seed": "1, 2"}, "A sheet has 2 sides and these are 3 lists"),
        ({"steps": "1,2,3,4,5", "seed": "1,2,3,4"}, "That would be 20 pictures and a sheet holds 16"),
        ({"steps": "10, 20, 010"}, "The list of steps has 10 twice"),
        ({"steps": "10, many"}, "steps cannot be many: it takes whole numbers"),
        ({"guidance": "3; 7"}, "guidance cannot be 3; 7: it takes numbers"),
        ({"steps": " , ,"}, "The list of steps is empty"),
        ({"steps": "10, 500"}, "steps cannot be 500: it goes from 1 to 150"),
        ({"scheduler": "Euler, DDIN"}, "did you mean DDIM?"),
        ({"model": "some-model, other"}, "There is no model called other"),
        ({"seed": "7, cosy"}, "You have no seed called cosy"),
    ],
)
async def test_what_makes_no_sheet_is_one_sentence(
    start: Start, ada: Person, lists: dict[str, str], sentence: str
) -> None:
    async with start(drawing=False) as running:
        answer = await asked(ada, **lists)
        assert sentence in answer.text
        assert answer.only_for == ada.user.id
        assert await rows_of(running, "sheets") == 0


async def test_lists_of_models_and_schedulers_are_completed_part_by_part(start: Start, ada: Person) -> None:
    async with start(drawing=False):
        offered = await ada.suggestions("compare", "scheduler", "Euler, DD")
        assert [choice["value"] for choice in offered] == ["Euler, DDIM", "Euler, DDPM"]
        assert "Euler, Euler" not in {
            choice["value"] for choice in await ada.suggestions("compare", "scheduler", "Euler,")
        }
        [only] = await ada.suggestions("compare", "model", "small-model ,some")
        assert only["value"] == "small-model, some-model"


async def test_mydata_knows_and_forgets_comparisons(start: Start, ada: Person) -> None:
    async with start() as running:
        running.gate.close()
        ada.press(await asked(ada, seed="1, 2"), "Draw")
        await told(ada, "0 of 2 done")
        await running.gate.open()
        await the_sheet(ada)
        await running.bot.desk.mydata.erase(ada.user.id)
        assert await rows_of(running, "sheets") == await rows_of(running, "cells") == 0
