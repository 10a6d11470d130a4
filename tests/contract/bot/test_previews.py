"""The waiting message shows what the picture looks like so far; the result never waits for that."""

import time
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bot import wording
from bot.attachments import PREVIEW_NAME
from bot.playground import Delayed, Fault, Limit, Message, Person, Playground, RateLimited
from tests.contract.bot.conftest import Start, drawing, is_result, result, results, until
from tests.contract.bot.test_conversation import mention

EDITS = r"/webhooks/\d+/[^/]+/messages/.*|/channels/\d+/messages/\d+"

# After each change of a message Discord wants none for so long: more than a change is waited for.
EDITS_RUN_OUT = {
    ("PATCH", "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"): Limit(requests=1, seconds=4.0)
}


def names(message: Message) -> list[str]:
    return [each.filename for each in message.attachments]


async def previewed(person: Person, prompt: str) -> Message:
    """The waiting message once it has a picture."""
    return await person.message(lambda message: prompt in message.text and names(message) == [PREVIEW_NAME])


async def test_a_preview_stands_in_the_waiting_message_and_goes_with_it(
    start: Start, ada: Person, tmp_path: Path
) -> None:
    async with start(preview_every=0.0) as running:
        running.gate.close()
        asked = ada.slash("imagine", prompt="a red cat")
        waiting = await previewed(ada, "a red cat")
        assert waiting.id == asked.original_id
        assert "step 1 of 2" in waiting.text
        assert [button.get("label") for button in waiting.buttons] == ["Cancel"]
        [preview] = waiting.attachments
        assert preview.description == wording.PREVIEW
        assert Image.open(BytesIO(ada.download(preview))).size == (24, 16)
        await running.gate.open()
        await result(ada, "a red cat")
        await ada.wait_for(lambda: ada.now(waiting) is None)
        assert not [message for message in ada.see() if PREVIEW_NAME in names(message)]
    assert {file.suffix for file in (tmp_path / "pictures" / "drawn").iterdir()} == {".png"}


async def test_a_private_preview_is_for_its_member_alone_and_becomes_the_result(
    start: Start, ada: Person, linus: Person
) -> None:
    async with start(preview_every=0.0) as running:
        running.gate.close()
        ada.slash("imagine", prompt="a secret", private=True)
        waiting = await previewed(ada, "a secret")
        assert not [message for message in linus.see() if message.attachments or "secret" in message.text]
        await running.gate.open()
        message = await result(ada, "a secret")
        assert message.id == waiting.id
        assert len(names(message)) == 1
        assert names(message) != [PREVIEW_NAME]


@pytest.mark.parametrize("how", ["waits_for_cancel", "runs_out_of_memory"])
async def test_what_comes_to_nothing_leaves_no_preview(start: Start, ada: Person, how: str) -> None:
    async with start(how, preview_every=0.0) as running:
        running.gate.close()
        ada.slash("imagine", prompt="a red cat")
        waiting = await previewed(ada, "a red cat")
        if how == "waits_for_cancel":
            ada.press(waiting, "Cancel")
        await running.gate.open()
        await ada.wait_for(lambda: ((now := ada.now(waiting)) is not None and not names(now)) or None)


@pytest.mark.parametrize("mishap", [Delayed(seconds=20.0), RateLimited(retry_after=20.0)], ids=str)
@pytest.mark.parametrize("private", [False, True])
async def test_a_preview_on_its_way_does_not_hold_the_result_up(
    start: Start, playground: Playground, ada: Person, mishap: Delayed | RateLimited, private: bool
) -> None:
    async def held_up() -> object:
        return len(playground.faults.happened) > 1 or None

    async with start(preview_every=0.0) as running:
        running.gate.close()
        # The first edit, which has no picture yet, passes.
        for each in (Delayed(seconds=0.0), mishap):
            playground.faults.add(Fault(mishap=each, method="PATCH", path=EDITS))
        ada.slash("imagine", prompt="a red cat", private=private)
        await until(held_up, 20.0)
        began = time.monotonic()
        await running.gate.open()
        await result(ada, "a red cat")
        assert time.monotonic() - began < 10
        assert len(results(ada)) == 1


@pytest.mark.parametrize("playground", [EDITS_RUN_OUT], indirect=True)
async def test_a_limit_that_a_preview_used_up_does_not_keep_the_result_for_ever(start: Start, ada: Person) -> None:
    async with start(preview_every=0.0) as running:
        running.gate.close()
        ada.slash("imagine", prompt="a secret", private=True)
        await drawing(ada, "a secret")
        await running.gate.open()
        assert is_result(await result(ada, "a secret"))


async def test_a_limit_for_everything_that_a_dropped_edit_met_holds_nothing_up_for_longer(
    start: Start, playground: Playground, ada: Person, linus: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.progress._PATIENCE", 0.1)

    async def met() -> object:
        return playground.faults.happened or None

    async with start(preview_every=0.0) as running:
        ada.slash("imagine", prompt="a red cat")
        first = await result(ada, "a red cat")
        running.gate.close()
        limited = RateLimited(retry_after=2.0, everywhere=True)
        playground.faults.add(Fault(mishap=limited, method="PATCH", path=r"/channels/\d+/messages/\d+"))
        linus.send("a blue cat", reply_to=first)  # its messages change with the bot's token alone
        await until(met, 20.0)
        await running.gate.open()
        await result(linus, "a blue cat")
        ada.slash("imagine", prompt="a green cat")
        await result(ada, "a green cat")


async def test_easel_ends_as_quickly_however_many_waiting_messages_are_being_changed(
    start: Start, playground: Playground
) -> None:
    async def all_on_their_way() -> object:
        return len(playground.faults.happened) == 6 or None

    async with start(drawing=False) as running:
        playground.faults.add(Fault(mishap=Delayed(seconds=20.0), method="PATCH", path=EDITS, count=100))
        for name in ("ada", "linus"):
            for _ in range(3):
                playground.person(name).slash("imagine", prompt="a red cat")
        await until(all_on_their_way)
        began = time.monotonic()
        await running.bot._progress.close()
        assert time.monotonic() - began < 3


async def test_an_edit_that_was_dropped_on_its_way_does_not_undo_a_private_result(
    start: Start, playground: Playground, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.post._LOOKS", (0.2,) * 100)

    async def on_its_way() -> object:
        return len(playground.faults.happened) > 1 or None

    async with start() as running:
        running.gate.close()
        for seconds in (0.0, 4.0):
            playground.faults.add(Fault(mishap=Delayed(seconds=seconds), method="PATCH", path=EDITS))
        ada.slash("imagine", prompt="a secret", private=True)
        await until(on_its_way, 20.0)
        await running.gate.open()
        shown = await result(ada, "a secret")
        # The playground goes on with what the bot has given up.
        await ada.message(lambda message: message.id == shown.id and not is_result(message))
        assert names(await result(ada, "a secret")) == names(shown)


async def test_without_the_setting_there_is_none(start: Start, ada: Person) -> None:
    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a red cat")
        assert names(await drawing(ada, "a red cat")) == []
        await running.gate.open()
        assert is_result(await result(ada, "a red cat"))


async def test_an_unfinished_picture_is_no_source(start: Start, ada: Person, linus: Person) -> None:
    async with start(preview_every=0.0) as running:
        running.gate.close()
        ada.slash("imagine", prompt="a red cat")
        waiting = await previewed(ada, "a red cat")
        linus.send(f"{mention(linus)} a blue cat", reply_to=waiting)
        await linus.message(lambda message: "That message holds no picture" in message.text)
        await running.gate.open()
        await result(ada, "a red cat")
