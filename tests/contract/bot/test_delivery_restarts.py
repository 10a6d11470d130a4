"""What Easel was about to tell when it stopped is told after its next start, and what it tells outlives that."""

from io import BytesIO

from PIL import ExifTags, Image

from bot import wording
from bot.attachments import Correction
from bot.playground import Failure, Fault, Person, Playground, Upload
from tests.contract.bot.conftest import Start, drawing, result, results, until
from tests.contract.bot.test_delivery import delivered, only_generation


async def test_what_ended_while_nobody_could_be_told_is_delivered_at_the_next_start(
    start: Start, playground: Playground, ada: Person
) -> None:
    async def faults_happened() -> object:
        return playground.faults.happened or None

    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a red cat")
        waiting = await drawing(ada, "a red cat")
        gone = Fault(mishap=Failure(status=503), method="POST", path=r"/channels/\d+/messages", count=10)
        playground.faults.add(gone)
        await running.gate.open()
        await until(faults_happened)
    playground.faults.clear()
    assert not results(ada)
    async with start():
        await result(ada, "a red cat")
        await ada.wait_for(lambda: ada.now(waiting) is None)
    async with start(drawing=False):
        pass
    assert len(results(ada)) == 1


async def test_who_dies_before_the_waiting_message_is_gone_removes_it_at_the_next_start(
    start: Start, playground: Playground, ada: Person
) -> None:
    async def tried() -> object:
        return playground.faults.happened or None

    async with start() as running:
        running.gate.close()
        ada.slash("imagine", prompt="a red cat")
        waiting = await drawing(ada, "a red cat")
        playground.faults.add(Fault(mishap=Failure(status=503), method="DELETE", count=100))
        await running.gate.open()
        await until(tried)
    playground.faults.clear()
    assert ada.now(waiting) is not None
    async with start() as running:
        await ada.wait_for(lambda: ada.now(waiting) is None)
        assert await delivered(running, only_generation(ada)) == "channel"


async def test_a_waiting_message_goes_on_telling_after_a_restart(start: Start, ada: Person) -> None:
    async with start(drawing=False):
        ada.slash("imagine", prompt="a patient cat")
        waiting = await ada.message(lambda message: "Next in line" in message.text)
    async with start(drawing=False):
        again = await ada.message(lambda message: "Easel was restarted; your place is kept." in message.text)
        assert again.id == waiting.id
        assert "Next in line" in again.text
    async with start() as running:
        running.gate.close()
        drawn = await drawing(ada, "a patient cat")
        assert drawn.id == waiting.id
        assert "restarted" not in drawn.text
        await running.gate.open()
        await result(ada, "a patient cat")


async def test_what_was_done_to_an_upload_is_told_with_the_result_after_restarts_too(
    start: Start, ada: Person
) -> None:
    photo, file = Image.new("RGB", (96, 64), "teal"), BytesIO()
    exif = photo.getexif()
    exif[ExifTags.Base.Orientation] = 6
    photo.save(file, "JPEG", exif=exif)
    note = wording.corrected(Correction.ROTATED)
    async with start(drawing=False):
        ada.slash("imagine", prompt="a turned cat", image=Upload(filename="photo.jpg", data=file.getvalue()))
        await ada.message(lambda message: note in message.text)
    async with start(drawing=False):
        await ada.message(lambda message: "restarted" in message.text and note in message.text)
    async with start():
        assert note in (await result(ada, "a turned cat")).text
