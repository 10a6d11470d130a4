"""Thousands of hostile pictures, by every way in: each is drawn from or refused in words, and nobody waits."""

import asyncio
from pathlib import Path

from bot.playground import Person, Upload
from tests.torture.crowd import Crowd, a_picture, crowd
from tests.torture.hostile import hostile, huge_png
from tests.torture.row import Row

SEED = 26
AT_ONCE = 4  # members who upload beside each other
MOST_MEMORY = 700  # MB above what the bot had before: the pixels of the largest picture (200), and copies of them
LONGEST_LAG = 0.5  # seconds
UNFORESEEN = "Something went wrong on my side"
WAYS = ("imagine", "imagine", "imagine", "mask", "verify", "describe")


async def run(folder: Path, *, quick: bool = False) -> Row:
    uploads = 60 if quick else 2000
    answers: list[str] = []
    async with crowd(folder, seed=SEED, how="behaves", members=AT_ONCE, frozen=True) as made:
        await made.members[0].answer(made.members[0].slash("imagine", prompt="cat", image=a_picture(0)), within=60)
        process, before = made.bot.pid, _megabytes(made, "VmRSS")
        turns = iter(range(uploads))

        async def upload(sender: Person) -> None:
            for turn in turns:
                file = await asyncio.to_thread(hostile, f"{SEED}.{turn}")
                answers.append(await _answer(made, sender, file))

        answers.append(await _answer(made, made.members[0], Upload(filename="huge.png", data=huge_png())))
        await asyncio.gather(*map(upload, made.members))
        audit = await made.settled(within=300)
        after, peak = _megabytes(made, "VmRSS"), _megabytes(made, "VmHWM")
        lag = float((folder / "lag").read_text())
        lives = made.bot.pid == process
    silent, bugs = answers.count(""), [text for text in answers if text.startswith(UNFORESEEN)]
    return Row(
        name="uploads",
        done=f"{uploads} hostile files, a PNG of 13,000 x 13,000, by {', '.join(sorted({*WAYS}))}, seed {SEED}",
        figure=f"{0 if lives else 1} crashes, {len(answers) - silent} answered, {len(bugs)} unforeseen, "
        f"{silent} without an answer; {audit}; memory {before} MB before, {after} after, {peak} at most; "
        f"the bot's loop was held up for {1000 * lag:.0f} ms at most",
        passed=not (bugs or silent)
        and lives
        and audit.flawless
        and peak - before < MOST_MEMORY
        and lag < LONGEST_LAG,
        wrong=[*bugs, *audit.wrong],
    )


async def _answer(made: Crowd, sender: Person, file: Upload) -> str:
    """What the bot says in the end to an upload; nothing where it says nothing."""
    match made.chance.choice(WAYS):
        case "imagine":
            asked = sender.slash("imagine", prompt="cat", steps=2, image=file)
        case "mask":
            asked = sender.slash("imagine", prompt="cat", steps=2, image=a_picture(1), mask=file)
        case command:
            asked = sender.slash(command, image=file)

    def said() -> str | None:
        """The words of the answer, be it the first message or the one that took its place."""
        own = (message for message in reversed(sender.see()) if message.id in asked.message_ids)
        return next((message.text or "a picture" for message in own if not message.loading), None)

    try:
        return await sender.wait_for(said, 120)
    except TimeoutError:
        return ""


def _megabytes(made: Crowd, what: str) -> int:
    """What the bot's process has of memory now (VmRSS) or had at most (VmHWM)."""
    status = Path(f"/proc/{made.bot.pid}/status").read_text("ascii")
    return next(int(line.split()[1]) // 1000 for line in status.splitlines() if line.startswith(what))
