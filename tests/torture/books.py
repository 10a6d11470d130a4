"""The bookkeeper: what members were told and shown, against what is on record and what was charged."""

import hashlib
import re
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from discord.utils import snowflake_time

from bot.playground import Message, Playground
from bot.playground.changes import Change, ChangeKind

_WAITING = re.compile(r"easel:cancel:([0-9a-z]+)")
_ENDED = re.compile(r"easel:reroll:([0-9a-z]+)")
_SHEET = re.compile(r"compare-([0-9a-z]{10})\.jpg")
_NAME = re.compile(r"(?:SPOILER_)?([0-9a-z]{10})(?:-[1-9])?\.\w+")
_TOKEN_LIFE = 15 * 60  # seconds
_CENT = 1e-6  # seconds of compute: what adding them up in another order may change


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What became of the accepted jobs and sheets; the lists name those with which something is wrong."""

    accepted: int
    delivered: int
    explained: int  # failed, cancelled or waiting in `/history`, and told so
    unended: int  # wait, are drawn or are on their way still
    lost: list[str]
    wrongly_charged: list[str]
    doubled: list[str]  # by messages that bear a nonce
    uncovered: list[str]  # there twice, one of them an answer to an interaction, which bears none
    half_recorded: list[str]
    disordered: list[str]  # shown in their channel after one that ended later
    stale: list[str]  # ended, and their waiting messages stand still though they can be reached

    @property
    def flawless(self) -> bool:
        """Whether all has come to its end, and nothing of it is wrong."""
        return not self.unended and not self.wrong

    @property
    def wrong(self) -> list[str]:
        return [*self.lost, *self.wrongly_charged, *self.doubled, *self.half_recorded, *self.stale]

    def __str__(self) -> str:
        return (
            f"{self.accepted} accepted, {self.delivered} delivered, {self.explained} explained, "
            f"{len(self.lost)} lost, {len(self.wrongly_charged)} wrongly charged, {len(self.doubled)} doubled"
            + (f", {len(self.uncovered)} doubled without a nonce" if self.uncovered else "")
            + (f", {len(self.half_recorded)} half-recorded" if self.half_recorded else "")
            + (f", {self.unended} unended" if self.unended else "")
            + (f", {len(self.stale)} waiting messages left" if self.stale else "")
        )


class Books:
    """Watches every message of the playground, and reads the records of a data folder."""

    def __init__(self, playground: Playground, data: Path, *, capacity: float) -> None:
        self._data = data
        self._capacity = capacity  # seconds that each member had at first; none may come back with time
        self._clock = playground.clock
        self._waiting: dict[int, tuple[str, bool]] = {}  # message -> generation, and whether one member sees it
        self._results: dict[int, tuple[str, bool]] = {}  # with whether it is an answer to an interaction
        self._told: set[str] = set()  # generations that a member was ever told to be accepted
        self._explained: set[str] = set()
        self._shown: dict[int, list[str]] = {}  # channel -> generations in the order of their appearance
        playground.world.changes.listen(self._note)

    def _note(self, change: Change) -> None:
        message = change.message
        if message is None or change.kind is ChangeKind.REACTION:
            return
        self._waiting.pop(message.id, None)
        if change.kind is ChangeKind.MESSAGE_DELETE:
            self._results.pop(message.id, None)
            return
        waiting, ended = (_named(message, pattern) for pattern in (_WAITING, _ENDED))
        file = message.attachments[0].filename if message.attachments else ""
        drawn, sheet = _NAME.fullmatch(file), _SHEET.fullmatch(file)
        if waiting is not None:
            self._waiting[message.id] = waiting, message.only_for is not None
            self._told.add(waiting)
        elif (found := sheet or (drawn if ended is not None else None)) is not None:
            shown = self._shown.setdefault(message.channel_id, [])
            if message.only_for is None and found[1] not in shown:
                shown.append(found[1])
            self._results[message.id] = found[1], message.interaction is not None
        elif ended is not None:
            self._explained.add(ended)

    def rows(self, statement: str) -> list[sqlite3.Row]:
        """What the records answer at the moment."""
        connection = sqlite3.connect(f"file:{self._data / 'easel.db'}?mode=ro", uri=True, timeout=10)
        connection.row_factory = sqlite3.Row
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()

    def audit(self) -> Audit:
        told = self.rows(
            """
            SELECT generation_id AS key, deliveries.state AS delivery, route, jobs.state, ended_at
            FROM deliveries JOIN jobs USING (generation_id)
            UNION ALL
            SELECT sheets.id, replace(sheets.state, 'drawing', 'pending'), route,
                CASE WHEN max(jobs.state = 'finished') THEN 'finished' ELSE 'cancelled' END, max(ended_at)
            FROM sheets JOIN cells ON cells.sheet_id = sheets.id JOIN jobs USING (generation_id)
            GROUP BY sheets.id
            """
        )
        jobs = self.rows(
            """
            SELECT jobs.*, charges.amount, charges.refunded, charges.settled_at, charges.member_id AS payer
            FROM jobs LEFT JOIN charges USING (generation_id)
            """
        )
        shown = Counter(name for name, _ in self._results.values())
        nonced = Counter(name for name, answer in self._results.values() if not answer)
        accepted = {row["key"] for row in told}
        pending = {row["key"] for row in told if row["delivery"] != "delivered"}
        known = {row["key"] for row in told if row["route"] == "history" or row["state"] == "cancelled"}
        explained = (accepted & self._explained | known) - set(shown) - pending
        lost = (accepted | self._told) - set(shown) - explained - pending
        return Audit(
            accepted=len(accepted),
            delivered=len(accepted & set(shown)),
            explained=len(explained),
            unended=len(pending),
            lost=sorted(lost),
            half_recorded=self._half_recorded(),
            wrongly_charged=self._wrongly_charged(jobs),
            doubled=sorted(name for name, times in nonced.items() if times > 1),
            uncovered=sorted(name for name, times in shown.items() if times > 1 >= nonced[name]),
            disordered=self._disordered({row["key"]: row["ended_at"] for row in told}),
            stale=sorted(self._reachable() - pending),
        )

    def _reachable(self) -> set[str]:
        """What waiting messages stand for that can be changed: one member's own as long as its token lives."""
        over = self._clock.now() - _TOKEN_LIFE
        return {
            generation
            for message_id, (generation, ephemeral) in self._waiting.items()
            if not ephemeral or snowflake_time(message_id).timestamp() > over
        }

    def _wrongly_charged(self, jobs: list[sqlite3.Row]) -> list[str]:
        wrong = []
        left: Counter[int] = Counter()
        for job in jobs:
            if job["amount"] is None:
                wrong.append(job["generation_id"])
                continue
            left[job["payer"]] -= job["amount"] - job["refunded"]
            used = min(job["seconds"] or 0.0, job["amount"]) if job["state"] == "finished" else 0.0
            due = 0.0 if job["ended_at"] is None else job["amount"] - used
            settled = job["settled_at"] is not None
            if settled != (job["ended_at"] is not None) or abs(job["refunded"] - due) > _CENT:
                wrong.append(job["generation_id"])
        balances = self.rows("SELECT member_id, balance FROM allowances")
        wrong += [
            f"member {row['member_id']}"
            for row in balances
            if abs(row["balance"] - self._capacity - left[row["member_id"]]) > _CENT * (1 + len(jobs))
        ]
        charges = {row["generation_id"] for row in self.rows("SELECT generation_id FROM charges")}
        return wrong + sorted(charges - {job["generation_id"] for job in jobs})

    def _half_recorded(self) -> list[str]:
        """Generations of which the records lack a part, and pictures that are not as they are recorded."""
        parts = self.rows(
            """
            SELECT generations.id FROM generations
            LEFT JOIN jobs ON jobs.generation_id = generations.id
            LEFT JOIN deliveries ON deliveries.generation_id = generations.id
            LEFT JOIN charges ON charges.generation_id = generations.id
            LEFT JOIN cells ON cells.generation_id = generations.id
            LEFT JOIN pictures ON pictures.generation_id = generations.id AND pictures.number = 1
            WHERE jobs.state IS NULL OR charges.amount IS NULL
                OR (deliveries.state IS NULL AND cells.sheet_id IS NULL)
                OR (jobs.ended_at IS NULL) != (charges.settled_at IS NULL)
                OR (jobs.state = 'finished') != (pictures.path IS NOT NULL)
            """
        )
        files = self._data / "pictures" / "drawn"
        return [row["id"] for row in parts] + [
            row["path"]
            for row in self.rows("SELECT path, sha256 FROM pictures")
            if not (file := files / row["path"]).exists()
            or hashlib.sha256(file.read_bytes()).hexdigest() != row["sha256"]
        ]

    def _disordered(self, ended_at: dict[str, float]) -> list[str]:
        late = []
        for names in self._shown.values():
            newest = 0.0
            for name in names:
                at = ended_at.get(name) or newest
                if at < newest:
                    late.append(name)
                newest = max(newest, at)
        return late


def _named(message: Message, pattern: re.Pattern[str]) -> str | None:
    found = (pattern.match(str(button.get("custom_id"))) for button in message.buttons)
    return next((match[1] for match in found if match is not None), None)
