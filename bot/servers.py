"""Keeps the rules of every server, and the log of what its moderators did."""

import asyncio
import json
import re
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

import db
from bot.content import ContentFilter, Display
from bot.errors import BadRule, RuleFault
from bot.place import Viewer
from bot.rules import NO_RULES, Grant, Rules
from db import Database
from generation import Allowance

AT_ONCE = 60.0  # seconds between deeds of the same two that are one entry of the log: of a comparison's cells, say
_PAGE = 10  # entries


class Deed(StrEnum):
    """What stands in the log. Those of a rule are called as its field of Rules."""

    CHANNELS = "channels"
    MODELS = "models"
    DEFAULT_MODEL = "default_model"
    STEPS = "steps"
    SIDE = "side"
    WORDS = "words"
    CONTENT_FILTER = "content_filter"
    SPOILER = "spoiler"
    SHOWCASE = "showcase"
    ROLES = "roles"
    BLOCK = "block"
    UNBLOCK = "unblock"
    CANCEL = "cancel"  # of somebody else's picture
    DELETE = "delete"
    NOT_SHOWN = "not_shown"  # a starred picture could not be posted
    ROLE_GONE = "role_gone"  # the server has deleted one of its roles; the detail is how many are left


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a log; `detail` is what was set, in JSON's types. Whoever was forgotten is None."""

    at: float  # seconds since the epoch
    deed: Deed
    actor_id: int | None
    subject_id: int | None
    detail: Any


@dataclass(frozen=True, kw_only=True)
class LogPage:
    """Some entries, newest first, and the turns that lead on from them; None leads nowhere."""

    entries: tuple[Entry, ...]
    older: str | None
    newer: str | None


@dataclass(frozen=True, kw_only=True)
class Block:
    """A member who may not draw in a server."""

    member_id: int
    reason: str | None
    at: float  # seconds since the epoch


class Servers:
    """The rules of all servers, in memory since every request asks for them, and on record.

    They hold in servers that Easel is a member of. Before `load` there are none. No role of any server brings more
    than `most`: whoever runs a server does not pay for the machine.
    """

    def __init__(self, database: Database, *, most: Allowance, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self.most = most
        self._clock = clock
        self._rules: dict[int, Rules] = {}
        self._changing = asyncio.Lock()

    async def load(self) -> None:
        """Read what is on record."""
        async with self._database.reading() as connection:
            rows = await db.servers.every(connection)
            roles = await db.servers.every_role(connection)
            blocks = await db.servers.blocks(connection)
        grants: dict[int, dict[int, Grant]] = defaultdict(dict)
        for role in roles:
            grant = Grant(seconds=role.seconds, per_hour=role.per_hour)
            grants[role.guild_id][role.role_id] = grant.within(self.most)
        blocked: dict[int, set[int]] = defaultdict(set)
        for block in blocks:
            blocked[block.guild_id].add(block.blocked_id)
        known = {row.guild_id: row for row in rows}
        self._rules = {
            guild_id: replace(
                _rules(known.get(guild_id, db.ServerRow(guild_id=guild_id))),
                roles=grants[guild_id],
                blocked=frozenset(blocked[guild_id]),
            )
            for guild_id in {*known, *grants, *blocked}
        }

    # Asking ------------------------------------------------------------------------------------------------

    def of(self, guild_id: int | None) -> Rules:
        """The rules of a server, as its moderators see them."""
        return NO_RULES if guild_id is None else self._rules.get(guild_id, NO_RULES)

    def over(self, viewer: Viewer) -> Rules:
        """The rules that hold where the viewer is."""
        return self.of(viewer.guild_id) if viewer.resident else NO_RULES

    def admit(self, viewer: Viewer) -> Rules:
        """The same, for one who wants to draw. Raises Blocked, OtherChannels or RoleNeeded."""
        rules = self.over(viewer)
        rules.check_viewer(viewer)
        return rules

    def display(self, operator: ContentFilter, guild_id: int | None) -> Display:
        """How pictures that were asked for in a server are shown, the `operator` having set the content filter."""
        rules = self.of(guild_id)
        return Display(operator=operator, server=rules.content_filter, covered=rules.spoiler)

    async def blocks(self, moderator: Viewer) -> tuple[Block, ...]:
        """Who is blocked in the moderator's server, the oldest block first."""
        async with self._database.reading() as connection:
            rows = await db.servers.blocks(connection, _server_of(moderator))
        return tuple(Block(member_id=row.blocked_id, reason=row.reason, at=row.blocked_at) for row in rows)

    async def unended(self, guild_id: int, member_id: int) -> list[str]:
        """Generations of a member, asked for in a server, that have not ended."""
        async with self._database.reading() as connection:
            return await db.servers.unended(connection, guild_id, member_id)

    # Setting -----------------------------------------------------------------------------------------------

    async def change(self, moderator: Viewer, edit: Callable[[Rules], Rules]) -> Rules:
        """Keep the rules as `edit` makes them of those before, and log what is different; returns them.

        Raises what `edit` raises; then all is as it was.
        """
        guild_id = _server_of(moderator)
        async with self._changing:
            before = self.of(guild_id)
            after = edit(before)
            deeds = tuple(_differences(before, after))
            async with self._database.transaction() as connection:
                await db.servers.put(connection, _row(guild_id, after))
                await db.servers.put_roles(connection, guild_id, _role_rows(guild_id, after.roles))
                for deed, detail in deeds:
                    await self._log(connection, guild_id, deed, actor_id=moderator.member_id, detail=detail)
            self._rules[guild_id] = after
        return after

    async def block(self, moderator: Viewer, member_id: int, reason: str | None) -> None:
        """Let a member draw no more in the moderator's server; blocked again, the new reason counts."""
        guild_id = _server_of(moderator)
        row = db.BlockRow(
            guild_id=guild_id,
            blocked_id=member_id,
            reason=reason,
            blocked_by=moderator.member_id,
            blocked_at=self._clock(),
        )
        async with self._changing:
            async with self._database.transaction() as connection:
                await db.servers.block(connection, row)
                await self._log(
                    connection,
                    guild_id,
                    Deed.BLOCK,
                    actor_id=moderator.member_id,
                    subject_id=member_id,
                    detail=reason,
                )
            rules = self.of(guild_id)
            self._rules[guild_id] = replace(rules, blocked=rules.blocked | {member_id})

    async def unblock(self, moderator: Viewer, member_id: int) -> None:
        """Lift a block. Raises BadRule where there is none."""
        guild_id = _server_of(moderator)
        async with self._changing:
            async with self._database.transaction() as connection:
                if not await db.servers.unblock(connection, guild_id, member_id):
                    raise BadRule(RuleFault.NOT_BLOCKED)
                await self._log(
                    connection, guild_id, Deed.UNBLOCK, actor_id=moderator.member_id, subject_id=member_id
                )
            rules = self.of(guild_id)
            self._rules[guild_id] = replace(rules, blocked=rules.blocked - {member_id})

    async def keep_roles(self, guild_id: int, there: Collection[int]) -> None:
        """Take roles off a server's list that are no longer `there`, which no command can name any more."""
        if self.of(guild_id).roles.keys() <= set(there):
            return
        async with self._changing:
            rules = self.of(guild_id)
            roles = {role: grant for role, grant in rules.roles.items() if role in there}
            async with self._database.transaction() as connection:
                await db.servers.put_roles(connection, guild_id, _role_rows(guild_id, roles))
                await self._log(connection, guild_id, Deed.ROLE_GONE, actor_id=None, detail=len(roles))
            self._rules[guild_id] = replace(rules, roles=roles)

    # The showcase ------------------------------------------------------------------------------------------

    async def is_shown(self, generation_id: str) -> bool:
        """Whether a picture was posted in a showcase."""
        async with self._database.reading() as connection:
            return await db.servers.showcased(connection, generation_id) is not None

    async def note_shown(self, generation_id: str, channel_id: int, message_id: int) -> bool:
        """Remember which message shows a picture, so that it goes with it; False where the picture is gone."""
        row = db.ShowcasedRow(
            generation_id=generation_id, channel_id=channel_id, message_id=message_id, shown_at=self._clock()
        )
        async with self._database.transaction() as connection:
            return await db.servers.put_showcased(connection, row)

    # The log -----------------------------------------------------------------------------------------------

    async def note(
        self, guild_id: int, deed: Deed, *, actor_id: int | None = None, subject_id: int | None = None
    ) -> None:
        """Add to a log what was done without changing a rule.

        What Easel noticed stands there once in a row; what somebody did to the same member at once is counted.
        """
        row = db.DeedRow(guild_id=guild_id, at=self._clock(), deed=deed, actor_id=actor_id, subject_id=subject_id)
        async with self._database.transaction() as connection:
            if actor_id is not None:
                await db.servers.tally(connection, row, within=AT_ONCE)
                return
            newest = await db.servers.entries(connection, guild_id, limit=1)
            if not newest or newest[0].deed != deed:
                await db.servers.log(connection, row)

    async def log(self, guild_id: int, turn: str = "") -> LogPage:
        """A page of a log, from a page's `turn` on, or the newest one."""
        spot = re.fullmatch(r"([on])(\d{1,18})", turn)
        which: dict[str, int] = {}
        if spot is not None:
            which = {"older_than" if spot[1] == "o" else "newer_than": int(spot[2])}
        forward = "newer_than" in which
        async with self._database.reading() as connection:
            rows = await db.servers.entries(connection, guild_id, limit=_PAGE + 1, **which)
            if (
                forward and len(rows) <= _PAGE
            ):  # there is nothing newer than these: the newest page, and a full one
                which, forward = {}, False
                rows = await db.servers.entries(connection, guild_id, limit=_PAGE + 1)
        more, kept = len(rows) > _PAGE, rows[-_PAGE:] if forward else rows[:_PAGE]
        return LogPage(
            entries=tuple(_entry(row) for row in kept),
            older=f"o{kept[-1].number}" if kept and (more or forward) else None,
            newer=f"n{kept[0].number}" if kept and which else None,
        )

    async def _log(
        self,
        connection: db.Connection,
        guild_id: int,
        deed: Deed,
        *,
        actor_id: int | None,
        subject_id: int | None = None,
        detail: Any = None,
    ) -> None:
        row = db.DeedRow(
            guild_id=guild_id,
            at=self._clock(),
            actor_id=actor_id,
            deed=deed,
            subject_id=subject_id,
            detail=None if detail is None else json.dumps(detail),
        )
        await db.servers.log(connection, row)


def _server_of(moderator: Viewer) -> int:
    if moderator.guild_id is None:
        raise ValueError("rules are of servers")
    return moderator.guild_id


def _differences(before: Rules, after: Rules) -> Iterator[tuple[Deed, Any]]:
    """What was set, field by field, in JSON's types: of words and roles what came and what went."""
    for name in (field.name for field in fields(Rules)):
        old, new = getattr(before, name), getattr(after, name)
        if old == new:
            continue
        match name:
            case "words":
                came, went = [each for each in new if each not in old], [each for each in old if each not in new]
                if came or went:  # else the same ones in another order
                    yield Deed.WORDS, {"came": came, "went": went}
            case "roles":
                for role in sorted({*old, *new}):
                    if old.get(role) != new.get(role):
                        grant = new.get(role)
                        told = None if grant is None else [grant.seconds, grant.per_hour]
                        yield Deed.ROLES, {"role": role, "grant": told}
            case _:
                yield Deed(name), sorted(new) if isinstance(new, frozenset) else new


def _rules(row: db.ServerRow) -> Rules:
    return Rules(
        channels=frozenset(json.loads(row.channels)),
        models=frozenset(json.loads(row.models)),
        default_model=row.default_model,
        steps=row.steps,
        side=row.side,
        words=tuple(json.loads(row.words)),
        content_filter=None if row.content_filter is None else ContentFilter(row.content_filter),
        spoiler=row.spoiler,
        showcase=row.showcase,
    )


def _row(guild_id: int, rules: Rules) -> db.ServerRow:
    return db.ServerRow(
        guild_id=guild_id,
        channels=json.dumps(sorted(rules.channels)),
        models=json.dumps(sorted(rules.models)),
        default_model=rules.default_model,
        steps=rules.steps,
        side=rules.side,
        words=json.dumps(rules.words),
        content_filter=rules.content_filter,
        spoiler=rules.spoiler,
        showcase=rules.showcase,
    )


def _role_rows(guild_id: int, roles: Mapping[int, Grant]) -> list[db.ServerRoleRow]:
    return [
        db.ServerRoleRow(guild_id=guild_id, role_id=role_id, seconds=grant.seconds, per_hour=grant.per_hour)
        for role_id, grant in roles.items()
    ]


def _entry(row: db.DeedRow) -> Entry:
    return Entry(
        at=row.at,
        deed=Deed(row.deed),
        actor_id=row.actor_id,
        subject_id=row.subject_id,
        detail=None if row.detail is None else json.loads(row.detail),
    )
