"""What the commands that look things up answer with: history, queue, seeds, information, help."""

from collections.abc import Sequence

import discord

from bot.board import QueuedJob
from bot.ledger import AllowanceState
from bot.seeds import SavedSeed
from bot.studio import WorkerStatus
from bot.wording.text import EMBED_LIMIT, about, counted, duration, escape, moment, quote
from db import Totals
from generation import Model, WorkerState

COLOUR = discord.Colour.from_str("#e07a5f")

QUEUE_EMPTY = "Nothing is being drawn and nothing waits."
SEEDS_EMPTY = "You have no saved seeds yet: /seed save keeps one."
ALREADY_ENDED = "That one has ended already, so there is nothing to cancel."
NOTHING_TO_DO = (
    "Reply to a picture and say what it should become, or attach one to a message that mentions me; "
    "/imagine draws from words alone."
)

_WORKER = {
    WorkerState.STOPPED: "not running; it starts with the next picture",
    WorkerState.STARTING: "starting",
    WorkerState.IDLE: "ready",
    WorkerState.DRAWING: "drawing",
    WorkerState.STOPPING: "stopping",
}


def queue_list(jobs: Sequence[QueuedJob], member_id: int) -> discord.Embed:
    """The queue in its order; of other members' pictures only that they are there is told."""
    lines = []
    for job in jobs:
        own = job.member_id == member_id
        what = f"**{quote(job.prompt, 80)}**" if own else "somebody's picture"
        when = "being drawn" if job.running else f"place {job.place}"
        lines.append(f"{when} · {what} · {escape(job.model)} · ready in {about(job.expected)}")
    return discord.Embed(
        title="Queue",
        colour=COLOUR,
        description=_fitting(lines),
    ).set_footer(text="Whoever was served least is next: many pictures of one never block the first of another.")


def seed_list(saved: Sequence[SavedSeed]) -> discord.Embed:
    lines = [
        f"**{escape(seed.name)}** · {seed.seed}"
        + ("" if seed.generation_id is None else f" · from `{seed.generation_id}`")
        for seed in saved
    ]
    return discord.Embed(title="Your seeds", colour=COLOUR, description=_fitting(lines))


def seed_saved(saved: SavedSeed) -> str:
    return f"**{escape(saved.name)}** is now seed {saved.seed}; its name works wherever a seed is asked."


def seed_deleted(name: str) -> str:
    return f"The seed {quote(name, 40)} is deleted."


def information(
    worker: WorkerStatus, model: Model, allowance: AllowanceState, totals: Totals, waiting: int
) -> discord.Embed:
    """What `/info` says: what draws, and what the member may still spend."""
    embed = discord.Embed(title="Easel", colour=COLOUR)
    embed.add_field(name="Drawing process", value=_WORKER[worker.state])
    if worker.device:
        same = worker.device_name == worker.device
        device = escape(worker.device if same else f"{worker.device_name} ({worker.device})")
        embed.add_field(name="Device", value=device)
        embed.add_field(name="Precision", value=escape(f"{worker.dtype}: {worker.reason}"), inline=False)
    embed.add_field(
        name="Default model",
        value=f"{escape(model.title)} (`{model.name}`), {model.size.native}, {model.licence}",
        inline=False,
    )
    embed.add_field(name="Your allowance", value=_allowance(allowance), inline=False)
    embed.add_field(
        name="Your pictures",
        value=_totals(totals),
        inline=False,
    )
    embed.add_field(name="Queue", value=counted(waiting, "request") if waiting else "empty")
    return embed


def _totals(totals: Totals) -> str:
    if not totals.pictures:
        return "none yet"
    pictures, requests = counted(totals.pictures, "picture"), counted(totals.generations, "request")
    return f"{pictures} from {requests}, {duration(totals.seconds)} of drawing"


def _allowance(state: AllowanceState) -> str:
    capacity = duration(state.capacity)
    if state.left >= state.capacity:
        return f"All of your {capacity} of drawing time."
    left = duration(state.left) if state.left >= 1 else "Nothing"
    if state.full_at is None:
        return f"{left} of your {capacity} of drawing time is left."
    return (
        f"{left} of your {capacity} of drawing time is left; all of it is back {moment(state.full_at)}.\n"
        f"Every hour brings {duration(state.per_hour)} back."
    )


def _fitting(lines: Sequence[str]) -> str:
    """As many lines as an embed holds, and how many more there are."""
    kept: list[str] = []
    length = 0
    for line in lines:
        if length + len(line) + 1 > EMBED_LIMIT - 40:
            return "\n".join([*kept, f"and {len(lines) - len(kept):,} more"])
        kept.append(line)
        length += len(line) + 1
    return "\n".join(kept)
