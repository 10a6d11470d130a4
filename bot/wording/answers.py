"""What the commands that look things up answer with: history, queue, seeds, information, help."""

from collections.abc import Sequence

import discord

from bot.board import QueuedJob
from bot.history import Generation, Page
from bot.ledger import AllowanceState
from bot.seeds import SavedSeed
from bot.studio import WorkerStatus
from bot.wording.results import failed, result, seeds, unended
from bot.wording.text import EMBED_LIMIT, about, counted, duration, escape, moment, quote
from db import Totals
from generation import JobState, Model, WorkerState

COLOUR = discord.Colour.from_str("#e07a5f")

HISTORY_EMPTY = "You have drawn nothing here yet: try /imagine."
HISTORY_END = "There is nothing older."
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


def history_page(page: Page, *, thumbnails: frozenset[str]) -> list[discord.Embed]:
    """One embed for each generation; `thumbnails` are the names of the attached ones."""
    embeds = []
    for number, generation in enumerate(page.generations, start=1):
        recipe = generation.recipe
        star = "⭐ " if generation.starred else ""
        private = " · private" if generation.private else ""
        embed = discord.Embed(
            colour=COLOUR,
            description=f"**{number}.** {star}**{quote(recipe.prompt, 200)}**\n"
            f"{escape(recipe.model)} · {seeds(recipe)} · {recipe.size} · `{generation.id}`{private} · "
            f"{moment(generation.created_at)}",
        )
        if thumbnail_name(generation) in thumbnails:
            embed.set_thumbnail(url=f"attachment://{thumbnail_name(generation)}")
        embeds.append(embed)
    return embeds


def thumbnail_name(generation: Generation) -> str:
    return f"{generation.id}-small.jpg"


def shown(generation: Generation) -> str:
    """The lines of `/show`: as with the result, and when it was asked for and from what."""
    match generation.state:
        case JobState.FINISHED:
            line = result(generation)
        case JobState.FAILED | JobState.CANCELLED:
            line = failed(generation)
        case _:
            line = unended(generation)
    lines = [line, f"-# Asked for {moment(generation.created_at, 'f')}"]
    if generation.parent_id is not None:
        lines.append(f"-# Made from `{generation.parent_id}`")
    return "\n".join(lines)


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
    embed.add_field(name="Queue", value="empty" if not waiting else f"{waiting:,} in it")
    return embed


def _totals(totals: Totals) -> str:
    if not totals.pictures:
        return "none yet"
    goes = f"{totals.generations:,} {'go' if totals.generations == 1 else 'goes'}"
    return f"{counted(totals.pictures, 'picture')} in {goes}, {duration(totals.seconds)} of drawing"


def _allowance(state: AllowanceState) -> str:
    capacity = duration(state.capacity)
    if state.left >= state.capacity:
        return f"all of {capacity} of drawing time"
    left = f"{duration(state.left) if state.left else 'none'} of {capacity} of drawing time left"
    if state.full_at is None:
        return left
    return f"{left}; all of it is back {moment(state.full_at)}"


def manual(bot_id: int | None) -> discord.Embed:
    """What `/help` says: examples that work as they stand."""
    mention = "me" if bot_id is None else f"<@{bot_id}>"
    return (
        discord.Embed(title="How to draw", colour=COLOUR)
        .add_field(
            name="From words",
            value="`/imagine prompt: a red cat on the beach`\n"
            "`/imagine prompt: a blue house in the snow size: landscape count: 2`",
            inline=False,
        )
        .add_field(
            name="From a picture",
            value=f"Reply to any picture, mention {mention} and say what it should become:\n"
            "`a blue cat --strength 0.5 --no fog`\nor `/imagine prompt: a watercolour image: …`",
            inline=False,
        )
        .add_field(
            name="Again",
            value="**Re-roll** draws another one, **Edit prompt** changes the words, and\n"
            "`/reroll id: … seed: same` gives the very same picture.",
            inline=False,
        )
        .add_field(
            name="Keep",
            value="`/seed save name: cosy seed: 7`, then `/seed use name: cosy prompt: a fox in a forest`\n"
            "`/history` has everything that you drew.",
            inline=False,
        )
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
