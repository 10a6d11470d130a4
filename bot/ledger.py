"""What was accepted, begun, ended and delivered: each written down in one transaction, with its charge."""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import db
from bot.accounts import Accounts, AllowanceState
from bot.place import OPERATOR_ID, Address, Viewer
from bot.tally import Tally
from db import Database
from generation import (
    Allowance,
    DrawnPicture,
    Failure,
    Job,
    JobState,
    Look,
    Need,
    RanOut,
    Rate,
    Recipe,
    Try,
)

log = logging.getLogger(__name__)

_REMEMBERED = 30 * 86400.0  # seconds; what ran out of memory may fit by then, since others use the machine too


class Route(StrEnum):
    """How a result reached its member."""

    CHANNEL = "channel"
    INTERACTION = "interaction"
    DIRECT = "direct"
    HISTORY = "history"  # it waits there until the member looks


@dataclass(frozen=True, kw_only=True)
class End:
    """How a job ended. `recipe` is the one that was drawn, its environment filled in."""

    state: JobState
    seconds: float
    failure: Failure | None = None
    recipe: Recipe | None = None
    pictures: tuple[DrawnPicture, ...] = ()


class Ledger:
    """The records behind the studio. Charges and refunds are part of the transaction that they belong to."""

    def __init__(
        self, database: Database, *, allowance: Allowance, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._accounts = Accounts(usual=allowance, clock=clock)
        self._clock = clock
        self.tally = Tally()
        self._unreadable: set[str] = set()  # jobs that were told of in the log

    @property
    def usual(self) -> Allowance:
        """The allowance where no server has another one."""
        return self._accounts.usual

    async def accept(
        self,
        job: Job,
        *,
        viewer: Viewer,
        address: Address | None,
        private: bool,
        parent_id: str | None,
        allowance: Allowance,
        notes: Sequence[str] = (),
        make_sure: Callable[[], None] = lambda: None,
    ) -> float:
        """Record generation, job, charge and address together; returns what is left. Raises AllowanceSpent.

        `allowance` is the member's where it is asked. The operator in a shell has none to run out of. The `notes`
        are told with the result. What `make_sure` raises within the transaction is raised, and nothing recorded.
        """
        async with self._database.transaction() as connection:
            make_sure()
            left = allowance.capacity
            if job.member != OPERATOR_ID:
                left = await self._accounts.charge(connection, allowance, job)
            await _insert(connection, job, viewer, private=private, parent_id=parent_id)
            if address is not None:
                row = _delivery(job.id, viewer, address)
                await db.deliveries.insert(connection, replace(row, notes=json.dumps(notes)))
        return left

    async def accept_sheet(
        self,
        sheet_id: str,
        jobs: Sequence[Job],
        *,
        viewer: Viewer,
        address: Address,
        private: bool,
        allowance: Allowance,
    ) -> bool:
        """Record all cells of a sheet, with their charges and the sheet's address, or none.

        False if that was done before, or the sheet is gone. Raises AllowanceSpent.
        """
        async with self._database.transaction() as connection:
            if not await db.sheets.begin(connection, sheet_id, **_columns(address)):
                return False
            await self._accounts.charge(connection, allowance, *jobs)
            for job in jobs:
                await _insert(connection, job, viewer, private=private, parent_id=None)
            await db.sheets.put_cells(connection, sheet_id, [job.id for job in jobs])
        return True

    async def check_allowance(self, member_id: int, cost: float, allowance: Allowance | None = None) -> None:
        """Raises AllowanceSpent where `cost` seconds of compute would not be granted now; nothing is charged."""
        terms = self.usual if allowance is None else allowance
        async with self._database.reading() as connection:
            await self._accounts.check(connection, terms, member_id, cost)

    async def accept_look(self, look: Look, *, viewer: Viewer, address: Address, private: bool) -> None:
        """Record a picture that waits to be put into words, and where the answer goes. Nothing is charged yet."""
        async with self._database.transaction() as connection:
            await db.looks.insert(connection, _look(look, viewer, address, private=private))

    async def looks(self) -> list[db.LookRow]:
        """All looks whose answer has not reached its member, in the order of their asking."""
        async with self._database.reading() as connection:
            return await db.looks.every(connection)

    async def look(self, look_id: str) -> tuple[db.LookRow, Address] | None:
        """A look and where its answer goes; None once that was handed over."""
        async with self._database.reading() as connection:
            row = await db.looks.find(connection, look_id)
        return None if row is None else (row, _address(row))

    async def begin_look(self, look_id: str) -> int | None:
        """Count an attempt before its order is sent; returns how many there were, None where none is wanted."""
        async with self._database.transaction() as connection:
            return await db.looks.begin_attempt(connection, look_id)

    async def hand_back_look(self, look_id: str) -> None:
        """Take an attempt back that Easel itself ended."""
        async with self._database.transaction() as connection:
            await db.looks.take_back_attempt(connection, look_id)

    async def answer_look(self, look_id: str, answer: str, *, seconds: float) -> bool:
        """Record what a look is answered with; False if it was answered before, or is gone.

        Once the answer has arrived, the `seconds` of compute are taken off its member's allowance.
        """
        async with self._database.transaction() as connection:
            return await db.looks.answer(connection, look_id, answer, seconds=seconds, at=self._clock())

    async def has_address(self, generation_id: str) -> bool:
        """Whether it is on record where a generation has to go, or went."""
        async with self._database.reading() as connection:
            return await db.deliveries.find(connection, generation_id) is not None

    async def hand_out(self, generation_id: str, *, viewer: Viewer, address: Address) -> bool:
        """Record where a generation has to go that had no address; False if it has one, or it was delivered."""
        async with self._database.transaction() as connection:
            if await db.deliveries.find(connection, generation_id) is not None:
                return False
            await db.deliveries.insert(connection, _delivery(generation_id, viewer, address))
        return True

    async def begin(self, job_id: str) -> int:
        """Count an attempt before its order is sent; returns how many there were. Raises db.WrongState."""
        async with self._database.transaction() as connection:
            return await db.jobs.begin_attempt(connection, job_id, self._clock())

    async def hand_back(self, job_id: str, *, counted: bool) -> None:
        """Put a running job back into the queue; unless `counted`, the attempt is taken back as well."""
        async with self._database.transaction() as connection:
            await db.jobs.requeue(connection, job_id, counted=counted)

    async def end(self, job: Job, end: End, *, learned: Mapping[str, Rate] | None = None) -> bool:
        """Record an end, its pictures and its refund; False if the job had ended already.

        What a finished job did not use of its charge comes back, and so does the share of pictures that the
        content filter held back; any other end costs nothing. Rates that were `learned` from it are kept.
        """
        now = self._clock()
        share = len(end.pictures) / len(job.recipe.seeds)
        used = min(end.seconds, job.cost) * share if end.state is JobState.FINISHED else 0.0
        async with self._database.transaction() as connection:
            if not await db.jobs.end(
                connection,
                job.id,
                state=end.state,
                at=now,
                seconds=end.seconds,
                failure_kind=end.failure.kind if end.failure else None,
                failure_detail=end.failure.detail if end.failure else None,
            ):
                return False
            if end.recipe is not None:
                await db.generations.set_recipe(connection, job.id, end.recipe.to_json())
            await db.pictures.insert(
                connection,
                [
                    db.PictureRow(
                        generation_id=job.id,
                        number=number,
                        path=picture.path,
                        seed=picture.seed,
                        sha256=picture.sha256,
                        width=picture.width,
                        height=picture.height,
                        flagged=picture.flagged,
                    )
                    for number, picture in enumerate(end.pictures, start=1)
                ],
            )
            await self._accounts.settle(connection, job, used=used)
            for key, rate in ({} if learned is None else learned).items():
                row = db.RateRow(
                    key=key,
                    seconds_per_unit=rate.seconds_per_unit,
                    spread=rate.spread,
                    samples=rate.samples,
                    updated_at=now,
                )
                await db.rates.put(connection, row)
        self.tally.jobs[end.state] += 1
        self.tally.drawing_seconds += end.seconds
        return True

    async def allowance(self, member_id: int, allowance: Allowance | None = None) -> AllowanceState:
        """What a member may spend under an allowance, the usual one where it is None."""
        terms = self.usual if allowance is None else allowance
        async with self._database.reading() as connection:
            return await self._accounts.state(connection, terms, member_id)

    async def shortages(self, model: str) -> tuple[RanOut, ...]:
        """For what memory ran out with a model, lately."""
        async with self._database.reading() as connection:
            rows = await db.shortages.of_model(connection, model, since=self._clock() - _REMEMBERED)
        return tuple(_shortage(row) for row in rows)

    async def note_shortages(self, shortages: Sequence[RanOut]) -> None:
        """Remember for what memory ran out; what was remembered for too long is forgotten."""
        if not shortages:
            return
        now = self._clock()
        async with self._database.transaction() as connection:
            await db.shortages.forget(connection, before=now - _REMEMBERED)
            for each in shortages:
                tried = each.tried
                row = db.ShortageRow(
                    model=tried.model,
                    revision=tried.revision,
                    place=tried.place,
                    need=tried.need.to_json(),
                    step=tried.step,
                    job=each.job or None,
                    at=now,
                )
                await db.shortages.put(connection, row)

    async def hand_back_all(self) -> None:
        """Put every job that was being drawn back into the queue: at a start, nothing is being drawn."""
        async with self._database.transaction() as connection:
            for row in await db.jobs.unended(connection):
                if row.state == JobState.RUNNING:
                    await db.jobs.requeue(connection, row.generation_id, counted=True)

    async def set_back_clock(self) -> None:
        """Forget that the clock was ahead, if it was: by then a balance comes back with time as any other does."""
        async with self._database.transaction() as connection:
            await db.allowances.set_back(connection, self._clock())

    async def unended(self) -> list[tuple[Job, bool]]:
        """All jobs that have not ended, oldest first, each with whether it is private.

        One whose recipe cannot be read, as another version of Easel may have written it, is left out.
        """
        async with self._database.reading() as connection:
            rows = await db.jobs.unended(connection)
        jobs = []
        for row in rows:
            try:
                jobs.append((_job(row), row.private))
            except ValueError:
                if row.generation_id not in self._unreadable:
                    log.exception("the recipe of %s cannot be read, so it waits on", row.generation_id)
                    self._unreadable.add(row.generation_id)
        return jobs

    async def served(self, *, seconds_ago: float) -> dict[int, float]:
        """Member -> seconds of compute that ended within the last `seconds_ago`."""
        async with self._database.reading() as connection:
            return await db.jobs.served(connection, self._clock() - seconds_ago)

    async def set_waiting_message(self, generation_id: str, message_id: int) -> None:
        """Remember which message tells the member how far it is."""
        async with self._database.transaction() as connection:
            await db.deliveries.set_waiting_message(connection, generation_id, message_id)

    async def address(self, generation_id: str) -> Address | None:
        """Where a result still has to go; None once it was delivered, or if it never had to be."""
        async with self._database.reading() as connection:
            row = await db.deliveries.find(connection, generation_id)
        return None if row is None or row.state is not db.DeliveryState.PENDING else _address(row)

    async def notes(self, generation_id: str) -> tuple[str, ...]:
        """What is to be told with a result."""
        async with self._database.reading() as connection:
            row = await db.deliveries.find(connection, generation_id)
        return () if row is None else tuple(json.loads(row.notes))

    async def undelivered(self) -> list[str]:
        """What ended and its member was not told of yet, the first to end first: generations, sheets, looks."""
        async with self._database.reading() as connection:
            return await db.deliveries.due(connection)

    async def waiting(self) -> tuple[tuple[str, Address], ...]:
        """Generations that were accepted and have not ended, with their addresses."""
        async with self._database.reading() as connection:
            rows = await db.deliveries.unended(connection)
        return tuple((row.generation_id, _address(row)) for row in rows)

    async def delivered(self, key: str, *, route: Route, message_id: int | None) -> bool:
        """Record that and how something was handed over, the first time counts; of a look nothing stays.

        False where it is not on record, since it was deleted meanwhile.
        """
        how: dict[str, Any] = {"route": route, "message_id": message_id, "at": self._clock()}
        async with self._database.transaction() as connection:
            marked = await db.deliveries.mark_delivered(connection, key, **how)
            marked = marked or await db.sheets.mark_delivered(connection, key, **how)
            if not marked and (look := await db.looks.delete(connection, key)) is not None:
                marked = True
                if route is not Route.HISTORY:  # where no words wait
                    await self._accounts.spend(connection, look.member_id, look.seconds)
            recorded = marked or await db.deliveries.find(connection, key) or await db.sheets.find(connection, key)
        if marked:
            self.tally.deliveries[route] += 1
        return bool(recorded)

    async def unseen(self, member_id: int) -> tuple[list[str], list[str]]:
        """What of a member's waits in `/history` and they know nothing of: with pictures, and without."""
        async with self._database.reading() as connection:
            return await db.deliveries.unseen(connection, member_id)

    async def note_unseen(self, keys: Sequence[str]) -> None:
        """Remember that a member was told of these."""
        async with self._database.transaction() as connection:
            await db.deliveries.note_unseen(connection, keys, self._clock())


def _job(row: db.UnendedJob) -> Job:
    return Job(
        id=row.generation_id,
        member=row.member_id,
        recipe=Recipe.from_json(row.recipe),
        cost=row.cost,
        created_at=row.created_at,
        attempts=row.attempts,
    )


def _shortage(row: db.ShortageRow) -> RanOut:
    tried = Try(
        model=row.model,
        revision=row.revision,
        place=row.place,
        need=Need.from_json(row.need),
        step=row.step,
    )
    return RanOut(job="" if row.job is None else row.job, tried=tried)


async def _insert(
    connection: db.Connection, job: Job, viewer: Viewer, *, private: bool, parent_id: str | None
) -> None:
    """Record a generation and its job."""
    recipe = job.recipe
    await db.generations.insert(
        connection,
        db.GenerationRow(
            id=job.id,
            member_id=job.member,
            guild_id=viewer.guild_id,
            channel_id=viewer.channel_id,
            private=private,
            age_restricted=viewer.age_restricted,
            parent_id=parent_id,
            prompt=recipe.prompt,
            negative_prompt=recipe.negative_prompt,
            model=recipe.model,
            width=recipe.width,
            height=recipe.height,
            num_inference_steps=recipe.num_inference_steps,
            guidance_scale=recipe.guidance_scale,
            scheduler=recipe.scheduler,
            strength=recipe.strength,
            seed=recipe.seeds[0],
            source=recipe.source,
            recipe=recipe.to_json(),
            created_at=job.created_at,
        ),
    )
    await db.jobs.insert(
        connection,
        db.JobRow(
            generation_id=job.id,
            member_id=job.member,
            state=JobState.QUEUED,
            attempts=0,
            cost=job.cost,
            created_at=job.created_at,
        ),
    )


def _delivery(generation_id: str, viewer: Viewer, address: Address) -> db.DeliveryRow:
    return db.DeliveryRow(
        generation_id=generation_id,
        guild_id=viewer.guild_id,
        reply_to_message_id=address.reply_to_message_id,
        **_columns(address),
    )


def _look(look: Look, viewer: Viewer, address: Address, *, private: bool) -> db.LookRow:
    return db.LookRow(
        id=look.id,
        member_id=look.member,
        guild_id=viewer.guild_id,
        private=private,
        source=look.source,
        created_at=look.created_at,
        **_columns(address),
    )


def _columns(address: Address) -> dict[str, Any]:
    """What every record of an address has; who is replied to is on record with a generation's alone."""
    return {
        "channel_id": address.channel_id,
        "application_id": address.application_id,
        "interaction_token": address.interaction_token,
        "interaction_expires_at": address.interaction_expires_at,
        "waiting_message_id": address.waiting_message_id,
        "ephemeral": address.ephemeral,
    }


def _address(row: db.DeliveryRow | db.LookRow) -> Address:
    return Address(
        channel_id=row.channel_id,
        application_id=row.application_id,
        interaction_token=row.interaction_token,
        interaction_expires_at=row.interaction_expires_at,
        reply_to_message_id=row.reply_to_message_id if isinstance(row, db.DeliveryRow) else None,
        waiting_message_id=row.waiting_message_id,
        ephemeral=row.ephemeral,
    )
