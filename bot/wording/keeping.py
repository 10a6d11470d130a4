"""What is said about data that is kept: backups, what a member may take along, and what is deleted for good."""

from datetime import UTC, datetime

from bot.archive import Manifest
from bot.backup import Restored
from bot.errors import (
    BackupFault,
    BackupNotWritten,
    BadBackup,
    NoRoom,
    NothingToBackUp,
    NotReplaced,
)
from bot.mydata import Part
from bot.wording.text import counted
from db import Holdings

_FAULTS = {
    BackupFault.MISSING: "{file} cannot be read ({detail}): name the file that easel backup wrote.",
    BackupFault.FOREIGN: "{file} is no backup of Easel: name a file that easel backup wrote. Nothing was changed.",
    BackupFault.DAMAGED: "{file} is damaged ({detail}), so nothing was changed: try another backup.",
    BackupFault.NEWER: "{file} was made by a newer Easel ({detail}), so nothing was changed: restore it "
    "with that one.",
    BackupFault.HOSTILE: "{file} holds what no backup of Easel does ({detail}), so nothing was changed: somebody "
    "may have tampered with it.",
}


def keeping_error(
    error: BadBackup | BackupNotWritten | NoRoom | NothingToBackUp | NotReplaced,
) -> str:
    match error:
        case BadBackup(file=file, fault=fault, detail=detail):
            return _FAULTS[fault].format(file=file, detail=ascii(detail)[1:-1])
        case BackupNotWritten(file=file, reason=reason):
            return f"The backup could not be written to {file} ({reason}): name a place with room for it."
        case NoRoom(folder=folder, needed=needed, free=free):
            return (
                f"The backup needs {_size(needed)} and {folder} has {_size(free)} free: make room there first. "
                "Nothing was changed."
            )
        case NothingToBackUp(folder=folder):
            return f"There is nothing to back up in {folder}: check EASEL_DATA_DIR."
        case NotReplaced(file=file):
            return f"{file} is there and no backup of Easel, so it stays as it is: name another file."


def backed_up(manifest: Manifest, file: str) -> list[str]:
    """What a backup holds, a sentence each."""
    files = f"{counted(manifest.pictures, 'picture')} and {counted(manifest.sources, 'source image')}"
    lines = [
        f"{file} holds {_records(manifest)}, {files}: {_size(manifest.size)}.",
        "Settings, models and logs are not in it.",
    ]
    if manifest.missing:
        lines.append(f"The files of {counted(manifest.missing, 'picture')} on record are gone.")
    return lines


def restored(done: Restored, file: str) -> list[str]:
    """What a restore did, a sentence each."""
    of = (
        ""
        if done.made_at is None
        else f", made on {datetime.fromtimestamp(done.made_at, UTC):%Y-%m-%d at %H:%M} UTC"
    )
    lines = [
        f"Restored {file}{of}: {_records(done)} and {counted(done.pictures, 'picture')}.",
    ]
    if done.missing:
        lines.append(f"The files of {counted(done.missing, 'picture')} on record are not there.")
    if done.unended:
        lines.append(f"{counted(done.unended, 'generation')} waited then; the next start draws what waited.")
    if done.forgotten is None:
        lines.append(
            "The old records could not be read, so nobody can tell who deleted their data since: such members "
            "have to do it again."
        )
    elif done.forgotten:
        lines.append(f"{counted(done.forgotten, 'member')} had deleted their data since, so it was deleted again.")
    if done.aside is not None:
        lines.append(f"What was here before is in {done.aside}: delete it once you do not want it back.")
    return lines


ERASED = (
    "Everything about you is deleted. Pictures that were posted before stay in their channels.\n"
    "-# A backup that whoever runs this bot has kept forgets you as soon as it is put back."
)
KEPT = "Nothing was deleted."
ERASING = "Deleting it all. What is being drawn for you is stopped first…"
NOT_ERASED = (
    "You asked for new pictures all the while, so nothing was deleted: try again when nothing of yours waits."
)


def exported(part: Part) -> str:
    """What goes with one file of an export."""
    if part.number == 1:
        text = "Here is everything that is on record about you, and your pictures."
    else:
        text = f"Part {part.number} of your data."
    if part.left_out:
        text += (
            f"\n-# {counted(part.left_out, 'older picture')} did not fit into what Discord takes: "
            "/history has every one of them."
        )
    if part.sources_left_out:
        text += f"\n-# {counted(part.sources_left_out, 'image')} that you gave did not fit either."
    return text


def erasing_asked(holdings: Holdings) -> str:
    """What will go, before it goes."""
    entries = f"{holdings.generations:,} {'entry' if holdings.generations == 1 else 'entries'} of your history"
    pictures, seeds = counted(holdings.pictures, "picture"), counted(holdings.seeds, "saved seed")
    lines = [
        f"This deletes {entries} with {pictures}, {seeds}, images that you gave, stars, settings and allowance.",
        "**It cannot be undone.** /mydata export gives you a copy first.",
    ]
    if holdings.unended:
        lines.insert(1, f"What still waits or is being drawn for you ({holdings.unended:,}) is cancelled.")
    lines.append(
        "-# Pictures that were posted before stay in their channels; delete those there, if you want, first."
    )
    return "\n".join(lines)


def _records(what: Manifest | Restored) -> str:
    return f"{counted(what.generations, 'generation')} of {counted(what.members, 'member')}"


def _size(size: int) -> str:
    """Bytes as people write them: 12 KB, 3.4 MB, 1.2 GB."""
    if size < 10**6:
        return f"{max(1, round(size / 1000)):,} KB"
    if size < 10**9:
        return f"{size / 1e6:.1f} MB"
    return f"{size / 1e9:.1f} GB"
