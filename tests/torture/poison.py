"""Jobs that take the worker down every time, among many that do no harm."""

from itertools import cycle
from pathlib import Path

from tests.torture.crowd import crowd, everybody_asks
from tests.torture.row import Row

SEED = 21


async def run(folder: Path, *, quick: bool = False) -> Row:
    poisonous, harmless = (1, 3) if quick else (10, 60)
    prompts = [f"poison {number}" for number in range(poisonous)] + [f"cat {number}" for number in range(harmless)]
    async with crowd(folder, seed=SEED, haste=4, frozen=True) as made:
        made.chance.shuffle(prompts)
        await everybody_asks(cycle(made.members), prompts)
        audit = await made.settled(within=600)
        jobs = made.books.rows("SELECT * FROM jobs JOIN generations ON generations.id = jobs.generation_id")
    aside = [job for job in jobs if job["failure_kind"] == "set_aside" and job["attempts"] == 2]
    unharmed = [job for job in jobs if job["state"] == "finished" and job["attempts"] == 1]
    wrong = [job["id"] for job in jobs if job not in (aside if job["prompt"].startswith("poison") else unharmed)]
    return Row(
        name="poison",
        done=f"{poisonous} poison jobs among {harmless}, seed {SEED}",
        figure=f"{len(aside)} set aside after 2 attempts, {len(unharmed)} drawn at the first; {audit}",
        passed=audit.flawless and not wrong and (len(aside), len(unharmed)) == (poisonous, harmless),
        wrong=wrong + audit.wrong,
    )
