"""What the commands that look things up answer with: history, queue, seeds, information, help."""

from collections.abc import Sequence

import discord

from bot.accounts import AllowanceState
from bot.board import QueuedJob
from bot.seeds import SavedSeed
from bot.studio import WorkerStatus
from bot.wording.text import EMBED_LIMIT, Plural, duration, escape, expected_time, moment, quote
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

_QUEUE_HINT = "Whoever was served least is next: many pictures of one never block the first of another."
_SEED, _SEED_OF = "**{name}** · {seed}", "**{name}** · {seed} · from `{id}`"
_SOMEBODYS = "somebody's picture"
_DRAWN_NOW = "being drawn · {picture} · {model} · ready in {time}"
_WAITS = "place {place} · {picture} · {model} · ready in {time}"
_MORE_LINES = Plural(one="and one more", more="and {count} more")
_PICTURES = Plural(one="1 picture", more="{count} pictures")
_REQUESTS = Plural(one="1 request", more="{count} requests")
_DRAWING_TIME = "{time} of drawing"
_WHOLE = "All of your {capacity} of drawing time."
_LEFT = "{left} of your {capacity} of drawing time is left."
_LEFT_UNTIL = "{left} of your {capacity} of drawing time is left; all of it is back {moment}."
_NOTHING_LEFT = "Nothing of your {capacity} of drawing time is left."
_NOTHING_LEFT_UNTIL = "Nothing of your {capacity} of drawing time is left; all of it is back {moment}."
_EACH_HOUR = "Every hour brings {time} back."

_UNSEEN = Plural(
    one="I could not bring you a result: its picture waits in /history.",
    more="I could not bring you {count} results: their pictures wait in /history.",
)
_FAILED_UNSEEN = Plural(
    one="A request of yours came to nothing before, and I could not tell you. It cost nothing.",
    more="{count} requests of yours came to nothing before, and I could not tell you. They cost nothing.",
)

_WORKER = {
    WorkerState.STOPPED: "not running; it starts with the next picture",
    WorkerState.STARTING: "starting",
    WorkerState.IDLE: "ready",
    WorkerState.LOADING: "loading a model",
    WorkerState.DRAWING: "drawing",
    WorkerState.DESCRIBING: "describing a picture",
    WorkerState.STOPPING: "stopping",
}


def queue_list(jobs: Sequence[QueuedJob], member_id: int) -> discord.Embed:
    """The queue in its order; of other members' pictures only that they are there is told."""
    lines = []
    for job in jobs:
        picture = f"**{quote(job.prompt, 80)}**" if job.member_id == member_id else _SOMEBODYS
        line = _DRAWN_NOW if job.running else _WAITS
        lines.append(
            line.format(
                place=job.place, picture=picture, model=escape(job.model), time=expected_time(job.expected)
            )
        )
    return discord.Embed(
        title="Queue",
        colour=COLOUR,
        description=_fitting(lines),
    ).set_footer(text=_QUEUE_HINT)


def unseen(finished: int, failed: int) -> str:
    """What a member is told who could not be told of so many pictures, and of so many requests that failed."""
    told = [_UNSEEN.of(finished)] if finished else []
    return "\n".join([*told, _FAILED_UNSEEN.of(failed)] if failed else told)


def seed_list(saved: Sequence[SavedSeed]) -> discord.Embed:
    lines = [
        (_SEED if seed.generation_id is None else _SEED_OF).format(
            name=escape(seed.name), seed=seed.seed, id=seed.generation_id
        )
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
    embed.add_field(name="Queue", value=_REQUESTS.of(waiting) if waiting else "empty")
    return embed


def _totals(totals: Totals) -> str:
    if not totals.pictures:
        return "none yet"
    facts = (
        _PICTURES.of(totals.pictures),
        _REQUESTS.of(totals.generations),
        _DRAWING_TIME.format(time=duration(totals.seconds)),
    )
    return " · ".join(facts)


def _allowance(state: AllowanceState) -> str:
    capacity = duration(state.capacity)
    if state.left >= state.capacity:
        return _WHOLE.format(capacity=capacity)
    spent = state.left < 1
    if state.full_at is None:
        return (_NOTHING_LEFT if spent else _LEFT).format(left=duration(state.left), capacity=capacity)
    told = (_NOTHING_LEFT_UNTIL if spent else _LEFT_UNTIL).format(
        left=duration(state.left), capacity=capacity, moment=moment(state.full_at)
    )
    return f"{told}\n{_EACH_HOUR.format(time=duration(state.per_hour))}"


def _fitting(lines: Sequence[str]) -> str:
    """As many lines as an embed holds, and how many more there are."""
    kept: list[str] = []
    length = 0
    for line in lines:
        if length + len(line) + 1 > EMBED_LIMIT - 40:
            return "\n".join([*kept, _MORE_LINES.of(len(lines) - len(kept))])
        kept.append(line)
        length += len(line) + 1
    return "\n".join(kept)
