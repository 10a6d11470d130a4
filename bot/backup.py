"""`easel backup` and `easel restore`: the records and the pictures in one file, and back.

What is restored is unpacked and checked beside what is there, and put in its place only then. From the moment at
which the folder `restoring` bears that name the new is what counts: if the restore is killed after that, the next
start goes on with it.
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import db
from bot import archive
from bot.archive import DATABASE, Manifest
from bot.errors import (
    BackupFault,
    BackupNotWritten,
    BadBackup,
    NoRoom,
    NothingToBackUp,
    NotReplaced,
)
from bot.folder import owned, settle, written
from bot.mydata import forget_files
from bot.pictures import Pictures
from db import Database, DatabaseUnusable, NewerDatabase, Reason

_UNFINISHED = "restoring.part"
_READY = "restoring"
_PICTURES = "pictures"
_SQLITE = b"SQLite format 3\0"  # how every SQLite database begins


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What `easel restore` did."""

    generations: int
    members: int
    pictures: int  # that are there now
    missing: int  # on record, and their files are not there
    unended: int  # generations that are drawn after the next start
    made_at: float | None  # of the backup, seconds since the epoch; None for a bare database
    forgotten: int | None  # members erased again; None if nobody can tell who was erased since
    aside: Path | None  # where the old is; None if there was nothing


def back_up(file: Path, *, data_dir: Path, clock: Callable[[], float] = time.time) -> Manifest:
    """Write records, pictures and source images to `file`, beside a running Easel: all of it or nothing.

    An older backup is replaced, any other file is not. Raises NothingToBackUp, NotReplaced, BackupNotWritten, or
    db.DatabaseError where the records are damaged.
    """
    if not (data_dir / DATABASE).is_file():
        raise NothingToBackUp(str(data_dir))
    with _told(file):
        if file.exists() and not archive.is_backup(file):
            raise NotReplaced(str(file))
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as name:
            work = Path(name)
            # 1. The records of one moment; every picture that they name is on disk by then.
            contents = db.snapshot.take(data_dir / DATABASE, work / DATABASE)
            # 2. The pictures, which never change.
            manifest = archive.write(
                work / "backup",
                database=work / DATABASE,
                contents=contents,
                pictures=Pictures(data_dir / _PICTURES),
                made_at=clock(),
            )
            # 3. Prompts are for their owner's eyes; the name comes last, when all of it is on the disk.
            with (work / "backup").open("rb+") as whole:
                os.fsync(whole.fileno())
            (work / "backup").chmod(0o600)
            (work / "backup").replace(file)
            settle(file.parent)
    return manifest


async def restore(file: Path, *, data_dir: Path, clock: Callable[[], float] = time.time) -> Restored:
    """Put a backup in the place of what is there, which is kept aside.

    `file` may also be a bare database, as an update leaves one behind; then the pictures stay as they are. Members
    who were erased since are erased again. Raises AlreadyRunning, BadBackup, NoRoom, FolderUnusable,
    db.DatabaseError.
    """
    with written(data_dir), owned(data_dir):
        # 1. Whatever a restore that was killed left behind comes first.
        finish_restore(data_dir, clock=clock)
        shutil.rmtree(data_dir / _UNFINISHED, ignore_errors=True)
        new = data_dir / _UNFINISHED / "new"
        try:
            new.mkdir(parents=True)
            # 2. Unpacked beside what is there, and looked through.
            made_at = await asyncio.to_thread(_unpack, file, new, data_dir)
            (new / DATABASE).chmod(0o600)
            # 3. Brought to this Easel's schema, and those who were erased since erased again.
            forgotten = await _forget_again(new, old=data_dir / DATABASE)
            contents = await asyncio.to_thread(_look_through, file, new / DATABASE)
            await asyncio.to_thread(_settle_all, new)
            # 4. Valid from here on.
            (data_dir / _UNFINISHED).rename(data_dir / _READY)
            settle(data_dir)
        except BaseException:
            shutil.rmtree(data_dir / _UNFINISHED, ignore_errors=True)
            raise
        # 5. The old aside, the new in its place.
        aside = finish_restore(data_dir, clock=clock)
        drawn = Pictures(data_dir / _PICTURES)
        there = sum(drawn.file(relative).is_file() for relative in contents.pictures)
    return Restored(
        generations=contents.generations,
        members=contents.members,
        pictures=there,
        missing=len(contents.pictures) - there,
        unended=contents.unended,
        made_at=made_at,
        forgotten=forgotten,
        aside=aside,
    )


def finish_restore(data_dir: Path, *, clock: Callable[[], float] = time.time) -> Path | None:
    """Go on with a restore that was killed after its backup had been found good; returns where the old is.

    Only for the owner of the folder. As long as a file is in `restoring/new`, what has its name in the data folder
    is the old one, so that this may be killed and begun again at any point. Raises OSError.
    """
    ready = data_dir / _READY
    if not ready.is_dir():
        return None
    old = ready / "old"
    old.mkdir(exist_ok=True)
    for name in (_PICTURES, DATABASE):
        new = ready / "new" / name
        if not new.exists():
            continue
        for lying in (data_dir / name, *(data_dir / f"{name}{ending}" for ending in ("-wal", "-shm"))):
            if lying.exists():
                lying.rename(_free(old, lying.name))
        settle(old)
        new.rename(data_dir / name)
        settle(data_dir)
    aside = None
    if any(old.iterdir()):
        stamp = datetime.fromtimestamp(clock(), UTC).strftime("%Y%m%d-%H%M%S")
        aside = old.rename(_free(data_dir, f"before-restore-{stamp}"))
    shutil.rmtree(ready)
    settle(data_dir)
    return aside


def is_restoring(data_dir: Path) -> bool:
    """Whether a restore was killed that `finish_restore` has to go on with."""
    return (data_dir / _READY).is_dir()


def _unpack(file: Path, new: Path, data_dir: Path) -> float | None:
    """Write what is in `file` to `new` and look through it; returns when it was made, if it says so."""
    try:
        with file.open("rb") as opened:
            beginning = opened.read(len(_SQLITE))
        size = file.stat().st_size
    except OSError as error:
        raise BadBackup(str(file), BackupFault.MISSING, error.strerror or str(error)) from None
    free = shutil.disk_usage(data_dir).free
    if size > free:
        raise NoRoom(str(data_dir), needed=size, free=free)
    with _spoilt(file):
        if beginning == _SQLITE:
            db.snapshot.take(file, new / DATABASE)
            return None
        with archive.opened(file) as backup:
            backup.unpack(new)
            archive.check_names(file, db.snapshot.examine(new / DATABASE))
            return backup.manifest.made_at


@contextmanager
def _spoilt(file: Path) -> Iterator[None]:
    """Raise what is wrong with the records in a backup as BadBackup; what the disk does wrong passes as it is."""
    try:
        yield
    except NewerDatabase as error:
        detail = f"its schema is {error.found}, and this Easel knows schemas up to {error.known}"
        raise BadBackup(str(file), BackupFault.NEWER, detail) from error
    except DatabaseUnusable as error:
        if error.reason not in {Reason.CORRUPT, Reason.FOREIGN}:
            raise
        fault = BackupFault.FOREIGN if error.reason is Reason.FOREIGN else BackupFault.DAMAGED
        raise BadBackup(str(file), fault, error.detail) from error


def _look_through(file: Path, database: Path) -> db.Contents:
    """What is in the records now. Raises BadBackup for what Easel would not have written."""
    with _spoilt(file):
        db.snapshot.check_schema(database)
        contents = db.snapshot.examine(database)
    archive.check_names(file, contents)
    return contents


async def _forget_again(new: Path, *, old: Path) -> int | None:
    """Erase from `new` whom the records `old` say were erased since; returns how many, None if nobody can tell."""
    known = await asyncio.to_thread(db.snapshot.read_tombstones, old)
    database = await Database.open(new / DATABASE)
    try:
        async with database.transaction() as connection:
            # A tombstone that the backup has was obeyed before it was made; what came later is the member's again.
            since = [row for row in known or [] if await db.tombstones.insert(connection, row)]
            erased = [
                await db.members.erase(connection, member_id)
                for member_id in await db.members.every(connection)
                if any(row.is_of(member_id) for row in since)
            ]
        await database.tidy()
    finally:
        await database.close()
    await asyncio.to_thread(_remove_files, new, erased)
    return None if known is None else len(erased)


def _remove_files(new: Path, erased: list[db.Erased]) -> None:
    """Remove the files of who was erased, and the backup that a migration made of what is a backup itself."""
    if (new / _PICTURES).is_dir():
        for each in erased:
            forget_files(Pictures(new / _PICTURES), each)
    for older in new.glob(f"{DATABASE}.before-*"):
        older.unlink()


def _settle_all(folder: Path) -> None:
    """Have everything in `folder` on the disk before anything relies on it."""
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb+") as written_file:
                os.fsync(written_file.fileno())
        else:
            settle(file)
    settle(folder)
    settle(folder.parent)


def _free(folder: Path, name: str) -> Path:
    """`name` in `folder`, or with a number where that is taken."""
    taken = 1
    path = folder / name
    while path.exists():
        taken += 1
        path = folder / f"{name}-{taken}"
    return path


@contextmanager
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupNotWritten(str(file), error.strerror or str(error)) from error
