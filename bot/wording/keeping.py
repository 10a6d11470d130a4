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
from bot.wording.text import Plural
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


_GENERATIONS = Plural(one="1 generation", more="{count} generations")
_MEMBERS = Plural(one="1 member", more="{count} members")
_PICTURES = Plural(one="1 picture", more="{count} pictures")
_SOURCES = Plural(one="1 source image", more="{count} source images")
_BACKED_UP = "{file} holds {size}: {facts}."
_NOT_IN_IT = "Settings, models and logs are not in it."
_GONE = Plural(
    one="The file of one picture on record is gone.", more="The files of {count} pictures on record are gone."
)
_RESTORED = "Restored {file}: {facts}."
_RESTORED_OF = "Restored {file}, made on {made_at:%Y-%m-%d at %H:%M} UTC: {facts}."
_UNENDED = Plural(
    one="1 generation waited then; the next start draws it.",
    more="{count} generations waited then; the next start draws them.",
)
_UNKNOWN_DELETIONS = (
    "The old records could not be read, so nobody can tell who deleted their data since: such members have to do "
    "it again."
)
_DELETED_AGAIN = Plural(
    one="1 member had deleted their data since, so it was deleted again.",
    more="{count} members had deleted their data since, so it was deleted again.",
)
_ASIDE = "What was here before is in {aside}: delete it once you do not want it back."
_EXPORTED = "Here is everything that is on record about you, and your pictures."
_PART = "Part {number} of your data."
_LEFT_OUT = Plural(
    one="One older picture did not fit into what Discord takes: /history has it.",
    more="{count} older pictures did not fit into what Discord takes: /history has every one of them.",
)
_SOURCES_LEFT_OUT = Plural(
    one="One image that you gave did not fit either.", more="{count} images that you gave did not fit either."
)
_HELD = (
    Plural(one="1 entry of your history", more="{count} entries of your history"),
    _PICTURES,
    Plural(one="1 saved seed", more="{count} saved seeds"),
)
_GOES = "This deletes all that is kept about you: {facts}, images that you gave, stars, settings and allowance."
_STOPS = Plural(
    one="What still waits or is being drawn for you is cancelled: 1 request.",
    more="What still waits or is being drawn for you is cancelled: {count} requests.",
)
_FOR_GOOD = "**It cannot be undone.** /mydata export gives you a copy first."
_POSTED_STAYS = "Pictures that were posted before stay in their channels; delete those there, if you want, first."


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
    facts = (*_records(manifest), _PICTURES.of(manifest.pictures), _SOURCES.of(manifest.sources))
    lines = [_BACKED_UP.format(file=file, size=_size(manifest.size), facts=", ".join(facts)), _NOT_IN_IT]
    if manifest.missing:
        lines.append(_GONE.of(manifest.missing))
    return lines


def restored(done: Restored, file: str) -> list[str]:
    """What a restore did, a sentence each."""
    facts = ", ".join((*_records(done), _PICTURES.of(done.pictures)))
    if done.made_at is None:
        lines = [_RESTORED.format(file=file, facts=facts)]
    else:
        made_at = datetime.fromtimestamp(done.made_at, UTC)
        lines = [_RESTORED_OF.format(file=file, facts=facts, made_at=made_at)]
    if done.missing:
        lines.append(_GONE.of(done.missing))
    if done.unended:
        lines.append(_UNENDED.of(done.unended))
    if done.forgotten is None:
        lines.append(_UNKNOWN_DELETIONS)
    elif done.forgotten:
        lines.append(_DELETED_AGAIN.of(done.forgotten))
    if done.aside is not None:
        lines.append(_ASIDE.format(aside=done.aside))
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
    lines = [_EXPORTED if part.number == 1 else _PART.format(number=part.number)]
    if part.left_out:
        lines.append(f"-# {_LEFT_OUT.of(part.left_out)}")
    if part.sources_left_out:
        lines.append(f"-# {_SOURCES_LEFT_OUT.of(part.sources_left_out)}")
    return "\n".join(lines)


def erasing_asked(holdings: Holdings) -> str:
    """What will go, before it goes."""
    counts = (holdings.generations, holdings.pictures, holdings.seeds)
    facts = [each.of(count) for each, count in zip(_HELD, counts, strict=True)]
    lines = [_GOES.format(facts=", ".join(facts)), _FOR_GOOD, f"-# {_POSTED_STAYS}"]
    if holdings.unended:
        lines.insert(1, _STOPS.of(holdings.unended))
    return "\n".join(lines)


def _records(what: Manifest | Restored) -> tuple[str, str]:
    return _GENERATIONS.of(what.generations), _MEMBERS.of(what.members)


def _size(size: int) -> str:
    """Bytes as people write them: 12 KB, 3.4 MB, 1.2 GB."""
    if size < 10**6:
        return f"{max(1, round(size / 1000)):,} KB"
    if size < 10**9:
        return f"{size / 1e6:.1f} MB"
    return f"{size / 1e9:.1f} GB"
