"""One member with two hundred jobs, and nineteen who come after with one each."""

from itertools import count
from pathlib import Path

from tests.torture.crowd import closed_gate, crowd, everybody_asks
from tests.torture.row import Row

SEED = 22


async def run(folder: Path, *, quick: bool = False) -> Row:
    many, others = (15, 4) if quick else (200, 19)
    gate = closed_gate(folder)
    limits = {"EASEL_QUEUE_LIMIT": "1000", "EASEL_QUEUE_LIMIT_EACH": "1000"}
    async with crowd(folder, seed=SEED, how="behaves", members=others + 1, frozen=True, **limits) as made:
        greedy, *rest = made.members
        await everybody_asks([greedy] * many + rest, (f"cat {number}" for number in count()))
        await gate.open()
        audit = await made.settled(within=900)
        order = [row["member_id"] for row in made.books.rows("SELECT member_id FROM jobs ORDER BY started_at")]
    last = max(order.index(person.user.id) + 1 for person in rest)
    return Row(
        name="fairness",
        done=f"1 member with {many} jobs, then {others} with 1 each",
        figure=f"the last of the {others} was served as number {last}; {audit}",
        passed=audit.flawless and last <= others + 2 and len(order) == many + others,
        wrong=audit.wrong,
    )
