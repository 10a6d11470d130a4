"""What was drawn, and who may see it."""

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import gcd
from pathlib import Path
from typing import Any

import db
from bot.errors import NotAllowed, NotFound, SourceNotYours
from bot.ledger import Route
from bot.pictures import Pictures
from bot.place import OPERATOR_ID, Viewer
from bot.reuse import used_otherwise
from bot.servers import AT_ONCE, Deed
from bot.updates import Ended
from db import Database, Totals, Turn, Wanted
from generation import Failure, FailureKind, JobState, Mode, Recipe, Request, Size

CHILDREN_SHOWN = 8
_KEY_BYTES = 6  # of a filter's key: two of one member's hundred filters never share one by chance


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture of a generation; `number` counts from 1, `name` is what the file is called for people."""

    number: int
    file: Path
    name: str
    seed: int
    width: int
    height: int
    flagged: bool = False  # by the model's content filter


@dataclass(frozen=True, kw_only=True)
class Generation:
    """A job and its pictures as they are on record. `starred` is the viewer's own star.

    `source_given`: the source image, if any, is of its member, not taken over from another member's generation.
    """

    id: str
    member_id: int
    guild_id: int | None
    channel_id: int | None
    private: bool
    age_restricted: bool
    parent_id: str | None
    source_given: bool
    recipe: Recipe
    state: JobState
    failure: Failure | None
    pictures: tuple[Picture, ...]
    seconds: float | None
    created_at: float  # seconds since the epoch
    starred: bool

    def may_be_seen_by(self, viewer: Viewer) -> bool:
        """A private one is its owner's; any other belongs to the server that it was asked for in."""
        if viewer.member_id == self.member_id:
            return True
        return not self.private and self.guild_id is not None and self.guild_id == viewer.guild_id

    def may_be_managed_by(self, viewer: Viewer) -> bool:
        """Cancelling and deleting is for the owner and for moderators of its server."""
        return viewer.member_id == self.member_id or (viewer.moderator and self.may_be_seen_by(viewer))


@dataclass(frozen=True, kw_only=True)
class Posted:
    """The message that a result is, in `channel_id`, or in its member's direct messages where that is None."""

    message_id: int
    channel_id: int | None


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which generations a history shows; each field narrows it.

    `search` is text as it was typed, each word of which has to be there. `starred` means the viewer's own stars.
    """

    search: str = ""
    starred: bool = False
    member_id: int | None = None  # None for the viewer's own
    model: str | None = None


EVERYTHING = Filter()


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some generations, newest first, of those that `filter` lets through.

    `older` and `newer` are the turns that lead on from it; "" leads to the newest ones.
    """

    generations: tuple[Generation, ...]
    filter: Filter
    older: str | None
    newer: str | None


@dataclass(frozen=True, kw_only=True)
class Family:
    """A generation among its kin, as far as a viewer may see them; of its children the newest, `more` beside."""

    itself: Generation
    parent: Generation | None
    grandparent: Generation | None
    children: tuple[Generation, ...]
    more: bool

    @property
    def alone(self) -> bool:
        return self.parent is None and not self.children

    @property
    def members(self) -> tuple[Generation, ...]:
        """Everybody in it, the oldest first."""
        ancestors = (each for each in (self.grandparent, self.parent) if each is not None)
        return (*ancestors, self.itself, *self.children)


class History:
    """Finds generations for viewers. What a viewer may not see is not there: both raise the same NotFound."""

    def __init__(self, database: Database, *, pictures: Pictures, clock: Callable[[], float]) -> None:
        self._database = database
        self._pictures = pictures
        self._clock = clock

    async def recall(self, generation_id: str, viewer: Viewer) -> Generation:
        """Raises NotFound."""
        generation = await self.any(generation_id, viewer.member_id)
        if not generation.may_be_seen_by(viewer):
            raise NotFound("generation", generation_id)
        return generation

    async def any(self, generation_id: str, member_id: int | None = None) -> Generation:
        """A generation whoever asks: for Easel's own errands, never for a member's eyes. Raises NotFound."""
        async with self._database.reading() as connection:
            row = await db.generations.find(connection, generation_id.strip().lower())
            if row is None:
                raise NotFound("generation", generation_id)
            [generation] = await self._compose(connection, [row], member_id)
        return generation

    async def with_picture(self, sha256: str, viewer: Viewer) -> Generation | None:
        """The generation with a picture whose file has this hash, if the viewer may see it; the operator may."""
        async with self._database.reading() as connection:
            found = await db.pictures.of_hash(connection, sha256)
        for generation_id in found:
            generation = await self.any(generation_id, viewer.member_id)
            if viewer.member_id == OPERATOR_ID or generation.may_be_seen_by(viewer):
                return generation
        return None

    async def page(
        self,
        viewer: Viewer,
        which: Filter = EVERYTHING,
        *,
        turn: str = "",
        limit: int = 5,
    ) -> Page:
        """A page of generations that have pictures, from a page's `turn` on, or the newest.

        Of the viewer all, private ones too, since the answer is for the viewer's eyes alone; of another member
        those that are public where the viewer is.
        """
        owner = viewer.member_id if which.member_id is None else which.member_id
        others = owner != viewer.member_id
        if others and viewer.guild_id is None:
            return Page(generations=(), filter=which, older=None, newer=None)
        wanted = Wanted(
            member_id=owner,
            public_in=viewer.guild_id if others else None,
            words=which.search,
            starred_by=viewer.member_id if which.starred else None,
            model=which.model,
        )
        async with self._database.reading() as connection:
            start = _read_turn(turn)
            rows = await db.search.page(connection, wanted, turn=start, limit=limit + 1)
            if start is not None and not start.older and len(rows) <= limit:
                # There is nothing newer than these: the newest page, and that one full.
                start = None
                rows = await db.search.page(connection, wanted, limit=limit + 1)
            kept = rows[-limit:] if start is not None and not start.older else rows[:limit]
            generations = await self._compose(connection, [row for _, row in kept], viewer.member_id)
        more = len(rows) > limit
        older = more if start is None or start.older else True
        return Page(
            generations=tuple(generations),
            filter=which,
            older=f"o{kept[-1][0]}" if older else None,
            newer=None if start is None else f"n{kept[0][0] if kept else start.number}",
        )

    async def remember(self, which: Filter, viewer: Viewer) -> str:
        """A short key by which the viewer's buttons find the filter again; empty for none."""
        if which == EVERYTHING:
            return ""
        text = json.dumps(asdict(which))
        key = hashlib.blake2b(f"{viewer.member_id} {text}".encode(), digest_size=_KEY_BYTES).hexdigest()
        async with self._database.transaction() as connection:
            await db.search.remember(
                connection, key, member_id=viewer.member_id, filter_json=text, used_at=self._clock()
            )
        return key

    async def recollect(self, key: str, viewer: Viewer) -> Filter:
        """The filter that `remember` gave the viewer a key for. Raises NotFound where it is forgotten."""
        if not key:
            return EVERYTHING
        async with self._database.reading() as connection:
            text = await db.search.recollect(connection, key, member_id=viewer.member_id)
        if text is None:
            raise NotFound("search", key)
        return Filter(**json.loads(text))

    async def family(self, generation_id: str, viewer: Viewer) -> Family:
        """A generation with its parent, its parent's parent and its children. Raises NotFound."""
        itself = await self.recall(generation_id, viewer)
        parent = await self._parent(itself, viewer)
        async with self._database.reading() as connection:
            rows = await db.generations.children(
                connection,
                itself.id,
                viewer_id=viewer.member_id,
                guild_id=viewer.guild_id,
                limit=CHILDREN_SHOWN + 1,
            )
            children = await self._compose(connection, rows[:CHILDREN_SHOWN], viewer.member_id)
        return Family(
            itself=itself,
            parent=parent,
            grandparent=None if parent is None else await self._parent(parent, viewer),
            children=tuple(children),
            more=len(rows) > CHILDREN_SHOWN,
        )

    async def _parent(self, generation: Generation, viewer: Viewer) -> Generation | None:
        if generation.parent_id is None:
            return None
        try:
            return await self.recall(generation.parent_id, viewer)
        except NotFound:
            return None

    async def again(self, generation_id: str, viewer: Viewer, *, new_seed: bool, **changes: Any) -> Request:
        """The request that a generation answered, with `changes` by Request's field names.

        What was best for one model is not for another: where `changes` names another one, of the size only the
        shape stays, and steps, guidance, scheduler and clip skip become holes. What another picture, mask or mode
        makes meaningless is a hole as well. With a new seed, near neighbours of a picture are other neighbours.
        Raises NotFound, or SourceNotYours where too little would be left to draw of a picture that somebody else
        gave.
        """
        generation = await self.recall(generation_id, viewer)
        recipe = generation.recipe
        request = used_otherwise(recipe, changes)
        if new_seed:
            varied = bool(recipe.variation_seeds)
            request = replace(request, variation_seed=None) if varied else replace(request, seed=None)
        own = generation.member_id == viewer.member_id and generation.source_given
        kept = not own and recipe.source is not None and "source" not in changes
        if changes.get("model", recipe.model) != recipe.model:
            request = replace(
                request,
                size=_shape(recipe.size),
                # The steps decide how much of a source shows, so that somebody else's keeps them.
                num_inference_steps=recipe.num_inference_steps if kept else None,
                guidance_scale=None,
                scheduler=None,
                clip_skip=None,
            )
        request = replace(request, **changes)
        if kept:
            _check_redrawn(request, recipe, changes)
        return request

    async def ending(self, generation_id: str) -> Ended:
        """How a job ended. Raises NotFound, also for one that has not."""
        async with self._database.reading() as connection:
            row = await db.jobs.find(connection, generation_id)
        if row is None or not JobState(row.state).ended:
            raise NotFound("generation", generation_id)
        return Ended(state=JobState(row.state), failure=_failure(row))

    async def star(self, generation_id: str, viewer: Viewer) -> bool:
        """Set the viewer's star or take it away; returns whether it is set now. Raises NotFound."""
        generation = await self.recall(generation_id, viewer)
        async with self._database.transaction() as connection:
            if await db.generations.star(connection, generation.id, viewer.member_id, self._clock()):
                return True
            await db.generations.unstar(connection, generation.id, viewer.member_id)
            return False

    async def delete(self, generation_id: str, viewer: Viewer) -> tuple[Generation, tuple[Posted, ...]]:
        """Remove a generation's record and pictures for good, and source and mask if it was the last to use them.

        Returns what it was, and the messages that show it, which the caller removes. Cancel it first if it has not
        ended. Raises NotFound or NotAllowed.
        """
        generation = await self.recall(generation_id, viewer)
        if not generation.may_be_managed_by(viewer) or not generation.state.ended:
            raise NotAllowed("delete")
        async with self._database.transaction() as connection:
            posted = (
                _posted(await db.deliveries.find(connection, generation.id)),
                _shown(await db.servers.showcased(connection, generation.id)),
            )
            if viewer.member_id != generation.member_id and viewer.guild_id is not None:
                deed = db.DeedRow(
                    guild_id=viewer.guild_id,
                    at=self._clock(),
                    actor_id=viewer.member_id,
                    deed=Deed.DELETE,
                    subject_id=generation.member_id,
                )
                await db.servers.tally(connection, deed, within=AT_ONCE)
            files = await db.generations.delete(connection, generation.id)
            for sha256 in generation.recipe.stored:
                await self._forget_source(connection, sha256)
        await asyncio.to_thread(self._pictures.remove, files)
        return generation, tuple(message for message in posted if message is not None)

    async def forget_source(self, sha256: str) -> None:
        """Remove a source image or mask, unless a generation uses it."""
        async with self._database.transaction() as connection:
            await self._forget_source(connection, sha256)

    async def _forget_source(self, connection: db.Connection, sha256: str) -> None:
        """Remove it within the transaction: a request for it is recorded before, and uses it, or finds it gone."""
        if not await db.generations.uses_source(connection, sha256):
            await asyncio.to_thread(self._pictures.remove, (), source=sha256)

    async def totals(self, member_id: int) -> Totals:
        async with self._database.reading() as connection:
            return await db.generations.totals(connection, member_id)

    async def _compose(
        self, connection: db.Connection, rows: Sequence[db.GenerationRow], member_id: int | None
    ) -> list[Generation]:
        ids = [row.id for row in rows]
        jobs = await db.jobs.of_generations(connection, ids)
        pictures = await db.pictures.of_generations(connection, ids)
        starred = await db.generations.starred(connection, ids, member_id)
        return [
            Generation(
                id=row.id,
                member_id=row.member_id,
                guild_id=row.guild_id,
                channel_id=row.channel_id,
                private=row.private,
                age_restricted=row.age_restricted,
                parent_id=row.parent_id,
                source_given=row.source_given,
                recipe=Recipe.from_json(row.recipe),
                state=JobState(jobs[row.id].state),
                failure=_failure(jobs[row.id]),
                pictures=tuple(self._picture(picture) for picture in pictures[row.id]),
                seconds=jobs[row.id].seconds,
                created_at=row.created_at,
                starred=row.id in starred,
            )
            for row in rows
        ]

    def _picture(self, row: db.PictureRow) -> Picture:
        return Picture(
            number=row.number,
            file=self._pictures.file(row.path),
            name=Path(row.path).name,
            seed=row.seed,
            width=row.width,
            height=row.height,
            flagged=row.flagged,
        )


def _read_turn(text: str) -> Turn | None:
    """Where a page begins, as "o123" or "n123" says; None, the newest page, for anything else."""
    matched = re.fullmatch(r"([on])(\d{1,18})", text)
    return None if matched is None else Turn(older=matched[1] == "o", number=int(matched[2]))


def _shape(size: Size) -> str:
    """The aspect of a size, as a request may name it."""
    part = gcd(size.width, size.height)
    width, height = size.width // part, size.height // part
    return f"{width}:{height}" if max(width, height) < 1000 else f"{width / height:.3f}:1"


def _check_redrawn(request: Request, recipe: Recipe, changes: Mapping[str, Any]) -> None:
    """Raise SourceNotYours where less of the source would be redrawn than `recipe` did: the upload would show.

    In another mode, or under another mask, any of it might; and where a part is kept as it is, another size would
    show what had been cut off.
    """
    kept_as_it_is = recipe.mode in {Mode.INPAINT, Mode.OUTPAINT}
    if request.mode is not recipe.mode or "mask" in changes or (kept_as_it_is and "size" in changes):
        raise SourceNotYours(strength=None, steps=None)
    strength = 0.0 if recipe.strength is None else recipe.strength
    wanted = strength if request.strength is None else request.strength
    steps = recipe.num_inference_steps
    asked = steps if request.num_inference_steps is None else request.num_inference_steps
    # What runs is a whole number of steps, so that fewer steps can mean a smaller share of them.
    less = asked < steps and int(asked * wanted) * steps < recipe.steps_run * asked
    if wanted < strength or less:
        raise SourceNotYours(strength=strength, steps=steps)


def _posted(delivery: db.DeliveryRow | None) -> Posted | None:
    if delivery is None or delivery.message_id is None:
        return None
    if delivery.route == Route.DIRECT:
        return Posted(message_id=delivery.message_id, channel_id=None)
    if delivery.channel_id is None:
        return None  # out of the bot's own reach
    return Posted(message_id=delivery.message_id, channel_id=delivery.channel_id)


def _shown(row: db.ShowcasedRow | None) -> Posted | None:
    return None if row is None else Posted(message_id=row.message_id, channel_id=row.channel_id)


def _failure(job: db.JobRow) -> Failure | None:
    if job.failure_kind is None:
        return None
    return Failure(kind=FailureKind(job.failure_kind), detail=job.failure_detail or "")
