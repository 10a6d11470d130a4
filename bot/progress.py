"""The one place that turns what a job reports into edits of its waiting message."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from io import BytesIO

import discord

from bot import wording
from bot.attachments import PREVIEW_NAME
from bot.errors import NotFound
from bot.place import Address
from bot.post import Closed, Files, Post, Unreachable
from bot.studio import Studio
from bot.updates import Drawing, Ended, Update, Waiting
from generation import Estimate

log = logging.getLogger(__name__)

INTERVAL = 2.0  # seconds between two edits: all calls on an interaction stand in one line, the result's too
TIME_INTERVAL = 15.0  # seconds between two edits that tell nothing but another time
_NEAR = 5  # places in the queue: whoever waits further back is told less often, or a long queue is all edits
_PATIENCE = 1.0  # seconds that an edit on its way may take before it is dropped for the result


@dataclass
class _Follower:
    """The task that follows one job: `editing` while a request is on its way, `silenced` once it is to end."""

    restarted: bool
    guild_id: int | None
    task: asyncio.Task[None] = field(init=False)
    editing: bool = False
    silenced: bool = False


class Progress:
    """Follows jobs and keeps their waiting messages up to date: the newest state, never an older one after it."""

    def __init__(
        self,
        studio: Studio,
        post: Post,
        view: Callable[[str], discord.ui.View],
        *,
        interval: float = INTERVAL,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._studio = studio
        self._post = post
        self._view = view  # of a waiting message, by its generation's id
        self._interval = interval
        self._sleep = sleep
        self._clock = clock
        self._followers: dict[str, _Follower] = {}
        self._closed = False

    def follow(
        self,
        generation_id: str,
        address: Address,
        prompt: str,
        *,
        restarted: bool = False,
        guild_id: int | None = None,
    ) -> None:
        """Begin to tell how far a job is; one that waits again since Easel has `restarted` is told so.

        Where pictures are spoilers in the server that it was asked for in, so are previews. Once this is closed,
        a command may still be under way: its job is followed after the next start.
        """
        if self._closed:
            return
        follower = _Follower(restarted=restarted, guild_id=guild_id)
        follower.task = asyncio.create_task(
            self._tell(generation_id, address, prompt, follower), name=f"progress of {generation_id}"
        )
        self._followers[generation_id] = follower

    async def stop(self, generation_id: str) -> None:
        """Fall silent, so that nothing stands in front of the result.

        An edit on its way is waited for a moment; Post sees to one that is dropped and arrives all the same.
        """
        follower = self._followers.pop(generation_id, None)
        if follower is None:
            return
        follower.silenced = True
        if follower.editing:
            await asyncio.wait({follower.task}, timeout=_PATIENCE)
        follower.task.cancel()
        await asyncio.wait({follower.task})

    async def close(self) -> None:
        self._closed = True
        await asyncio.gather(*map(self.stop, tuple(self._followers)))

    async def _tell(self, generation_id: str, address: Address, prompt: str, follower: _Follower) -> None:
        shown, shown_at = "", 0.0
        shown_stage: Update | None = None
        shown_preview: bytes | None = None
        try:
            notes = await self._studio.notes(generation_id)
            async for update in self._studio.follow(generation_id):
                text = _text(update, prompt)
                if text is None:
                    return
                if follower.restarted and isinstance(update, Waiting):
                    text = wording.with_notes(text, (wording.RESTARTED,))
                text = wording.with_notes(text, notes)
                stage, preview = _stage(update), _preview(update)
                same = (text, preview) == (shown, shown_preview)
                if same or (stage == shown_stage and self._clock() - shown_at < TIME_INTERVAL):
                    continue
                # Sent when it changes; the first edit removes what a message from before a restart shows.
                kept = shown_stage is not None and preview == shown_preview
                covered = preview is not None and self._studio.display(follower.guild_id).covered
                files = None if kept else partial(_files, preview, covered=covered)
                follower.editing = True
                arrived = await self._edit(address, text, generation_id, files)
                follower.editing = False
                if follower.silenced:
                    return
                if arrived:
                    shown, shown_stage, shown_preview, shown_at = text, stage, preview, self._clock()
                await self._sleep(self._pause(update))
        except Closed:
            log.debug("the waiting message of %s is out of reach", generation_id)
        except NotFound:
            log.debug("%s is gone", generation_id)
        except Exception:
            # A waiting message that stands still is no reason to lose the picture.
            log.exception("the progress of %s cannot be told", generation_id)

    def _pause(self, update: Update) -> float:
        back = update.place / _NEAR if isinstance(update, Waiting) else 1.0
        return min(self._interval * max(1.0, back), TIME_INTERVAL)

    async def _edit(self, address: Address, text: str, generation_id: str, files: Files | None) -> bool:
        """Change the waiting message; whether it arrived."""
        try:
            await self._post.edit_waiting(address, content=text, view=self._view(generation_id), files=files)
        except Unreachable as fault:
            log.info("progress of %s was not shown: %r", generation_id, fault)
            return False
        return True


def _stage(update: Update) -> Update:
    """An update without its time: what is worth an edit at once."""
    match update:
        case Waiting():
            return replace(update, expected=Estimate.sure(0.0))
        case Drawing():
            return replace(update, remaining=None)
        case Ended():
            return update


def _preview(update: Update) -> bytes | None:
    return update.preview if isinstance(update, Drawing) else None


def _files(preview: bytes | None, *, covered: bool) -> list[discord.File]:
    if preview is None:
        return []
    return [discord.File(BytesIO(preview), filename=PREVIEW_NAME, description=wording.PREVIEW, spoiler=covered)]


def _text(update: Update, prompt: str) -> str | None:
    match update:
        case Waiting():
            return wording.waiting(update, prompt)
        case Drawing():
            return wording.drawing(update, prompt)
        case Ended():
            return None
