"""A thousand submissions of one member at once, where the allowance is enough for a part of them."""

from pathlib import Path

from bot.playground import Interaction
from tests.torture.crowd import closed_gate, crowd
from tests.torture.row import Row

SEED = 23


async def run(folder: Path, *, quick: bool = False) -> Row:
    asked, capacity = (40, 4.0) if quick else (1000, 40.0)
    gate = closed_gate(folder)
    limits = {"EASEL_QUEUE_LIMIT": "5000", "EASEL_QUEUE_LIMIT_EACH": "5000"}
    async with crowd(
        folder, seed=SEED, how="behaves", members=1, capacity=capacity, frozen=True, **limits
    ) as made:
        [member] = made.members
        interactions = [member.slash("imagine", prompt=f"cat {number}", steps=2) for number in range(asked)]

        def refused(interaction: Interaction) -> bool:
            """Whether its public answer was taken back; a refusal is for the member's eyes alone."""
            return interaction.followups == 1

        def answered() -> bool:
            return len(made.books.rows("SELECT 1 FROM jobs")) + sum(map(refused, interactions)) == asked

        await member.wait_for(answered, within=600)
        accepted = len(made.books.rows("SELECT 1 FROM jobs"))
        [(spent, dearest)] = made.books.rows("SELECT sum(amount), max(amount) FROM charges")
        await gate.open()
        audit = await made.settled(within=900)
    return Row(
        name="allowance",
        done=f"{asked} concurrent submissions of one member, {capacity:g} s to spend, {dearest:.3g} s each",
        figure=f"{accepted} accepted for {spent:.2f} s, {asked - accepted} refused in words; {audit}",
        passed=audit.flawless and capacity - dearest < spent <= capacity,
        wrong=audit.wrong,
    )
