"""While a picture is being drawn, the message that waits for it shows what it looks like so far."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from bot.attachments import PREVIEW_NAME
from bot.playground import Message, Person
from tests.e2e.conftest import DRAWN, has_pictures, images, seen_by

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(900)]

LONG = 100  # steps: enough that there is time for a preview on a fast machine
PATIENCE = 4 * DRAWN  # on a slow one


def has_preview(message: Message) -> bool:
    return [each.filename for each in message.attachments] == [PREVIEW_NAME]


async def test_a_waiting_message_shows_a_preview_and_a_result_does_not(ada: Person) -> None:
    seen = seen_by(ada)
    asked = ada.slash("imagine", prompt="a red cat on the beach", steps=LONG)
    waiting = await ada.message(has_preview, PATIENCE)
    assert waiting.id == asked.original_id
    assert "a red cat on the beach" in waiting.text
    assert "Cancel" in {button.get("label") for button in waiting.buttons}
    preview = Image.open(BytesIO(ada.download(waiting.attachments[0]))).convert("RGB")
    assert 64 <= max(preview.size) <= 192

    await ada.message(lambda message: has_preview(message) and f" of {LONG}" in message.text, PATIENCE)
    result = await ada.message(lambda message: has_pictures(message) and message.id not in seen, PATIENCE)
    await ada.wait_for(lambda: ada.now(waiting) is None)
    assert not [message for message in ada.see() if has_preview(message)]
    [picture] = images(ada, result)
    apart = np.asarray(picture.resize(preview.size), dtype=int) - np.asarray(preview, dtype=int)
    assert np.abs(apart).mean() < 64  # two pictures that have nothing to do with one another are 85 apart


async def test_a_cancelled_picture_leaves_no_preview(ada: Person) -> None:
    ada.slash("imagine", prompt="a blue boat", steps=LONG, count=4)
    waiting = await ada.message(lambda message: has_preview(message) and "a blue boat" in message.text, PATIENCE)
    ada.press(waiting, "Cancel")
    await ada.wait_for(lambda: ((now := ada.now(waiting)) is not None and not now.attachments) or None, PATIENCE)
