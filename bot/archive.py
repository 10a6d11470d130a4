"""A backup as one file: a ZIP of the database, the pictures and a list of them, none of it compressed.

Pictures do not shrink, and what is not compressed cannot swell when it is unpacked. The list comes last, so that a
file that was cut off has none.
"""

import hashlib
import json
import re
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import db
from bot.errors import BackupFault, BadBackup
from bot.pictures import Pictures

DATABASE = "easel.db"
_LIST = "manifest.json"
_LONGEST_LIST = 256 * 2**20  # bytes: over a million pictures
_CHUNK = 2**20  # bytes
# What a backup may hold, and nothing else: no part begins with a dot, so that none leads out of the folder.
_PART = r"[0-9A-Za-z_-][0-9A-Za-z._-]*"
_NAME = re.compile(rf"easel\.db|pictures/(drawn/{_PART}(/{_PART})*|sources/[0-9a-f]{{64}}\.png)")
# All that zipfile is known to raise for a damaged or crafted file.
_BROKEN = (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError, KeyError, struct.error)


class Entry(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    size: int = Field(ge=0)  # bytes
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """What a backup holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    easel_backup: Literal[1] = 1
    made_at: float  # seconds since the epoch
    database_schema: int
    members: int
    generations: int
    unended: int  # generations whose job waited or ran
    pictures: int
    sources: int  # source images and masks
    missing: int  # pictures on record whose files were not there
    files: dict[str, Entry]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size for entry in self.files.values())


def write(file: Path, *, database: Path, contents: db.Contents, pictures: Pictures, made_at: float) -> Manifest:
    """Write a backup to the new `file`: the database, the pictures that it names, and all source images.

    A picture that is deleted meanwhile is missing in it, and counted. Raises OSError.
    """
    files: dict[str, Entry] = {}
    missing = 0
    with zipfile.ZipFile(file, "x") as archive:
        files[DATABASE] = _put(archive, DATABASE, database)
        for relative in contents.pictures:
            name = f"pictures/drawn/{relative}"
            if _NAME.fullmatch(name) is None:  # nothing that Easel drew, and nothing to give away
                missing += 1
                continue
            try:
                files[name] = _put(archive, name, pictures.file(relative))
            except FileNotFoundError:
                missing += 1
        drawn = len(files) - 1
        for source in sorted(pictures.sources.glob("*.png")):
            name = f"pictures/sources/{source.name}"
            try:
                files[name] = _put(archive, name, source)
            except FileNotFoundError:
                continue  # the last generation that used it was deleted meanwhile
        manifest = Manifest(
            made_at=made_at,
            database_schema=contents.schema,
            members=contents.members,
            generations=contents.generations,
            unended=contents.unended,
            pictures=drawn,
            sources=len(files) - 1 - drawn,
            missing=missing,
            files=files,
        )
        archive.writestr(_LIST, manifest.model_dump_json())
    return manifest


class Archive:
    """A backup that was looked through: every name, kind and size in it is one that Easel writes."""

    def __init__(self, file: Path, zipped: zipfile.ZipFile, manifest: Manifest) -> None:
        self.manifest = manifest
        self._file = file
        self._zipped = zipped

    def unpack(self, folder: Path) -> None:
        """Write every file below `folder`, each checked against its hash. Raises BadBackup or OSError."""
        for name, entry in self.manifest.files.items():
            target = folder / name
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                out = target.open("xb")
            except (FileExistsError, NotADirectoryError):  # another name is the same here, or a folder of this one
                raise BadBackup(str(self._file), BackupFault.HOSTILE, name) from None
            with out, _damage(self._file, name), self._zipped.open(name) as packed:
                if _copied(packed, out) != entry:
                    raise BadBackup(str(self._file), BackupFault.DAMAGED, name)


@contextmanager
def opened(file: Path) -> Iterator[Archive]:
    """Look through a backup without unpacking it. Raises BadBackup or OSError."""
    with _damage(file, "its directory"):
        zipped = zipfile.ZipFile(file)
    with zipped:
        with _damage(file, _LIST):
            manifest = _manifest(file, zipped)
            _check(file, zipped, manifest)
        yield Archive(file, zipped, manifest)


def check_names(file: Path, contents: db.Contents) -> None:
    """Look at what the records in a backup call their files: none leads out of the folder. Raises BadBackup."""
    names = [f"pictures/drawn/{relative}" for relative in contents.pictures]
    names += [f"pictures/sources/{sha256}.png" for sha256 in contents.sources]
    for name in names:
        if _NAME.fullmatch(name) is None:
            raise BadBackup(str(file), BackupFault.HOSTILE, name)


def is_backup(file: Path) -> bool:
    """Whether Easel wrote `file` as a backup, whole or not."""
    try:
        with zipfile.ZipFile(file) as zipped:
            return {_LIST, DATABASE} <= set(zipped.namelist())
    except (*_BROKEN, OSError):
        return False


def _manifest(file: Path, zipped: zipfile.ZipFile) -> Manifest:
    try:
        info = zipped.getinfo(_LIST)
    except KeyError:
        raise BadBackup(str(file), BackupFault.FOREIGN, f"there is no {_LIST} in it") from None
    _check_kind(file, info)
    if info.file_size > _LONGEST_LIST:
        raise BadBackup(str(file), BackupFault.HOSTILE, _LIST)
    text = zipped.read(info)
    try:
        found = json.loads(text).get("easel_backup")
    except (ValueError, AttributeError, RecursionError):
        raise BadBackup(str(file), BackupFault.DAMAGED, _LIST) from None
    if isinstance(found, int) and found > 1:
        raise BadBackup(str(file), BackupFault.NEWER, f"its format is {found}")
    try:
        return Manifest.model_validate_json(text)
    except ValidationError:
        raise BadBackup(str(file), BackupFault.DAMAGED, _LIST) from None


def _check(file: Path, zipped: zipfile.ZipFile, manifest: Manifest) -> None:
    """Compare what is in the file with what its list says. Raises BadBackup."""
    infos = zipped.infolist()
    names = [info.orig_filename for info in infos]
    for name in names:
        if name != _LIST and _NAME.fullmatch(name) is None:
            raise BadBackup(str(file), BackupFault.HOSTILE, name)
    if len(names) != len(set(names)):
        raise BadBackup(str(file), BackupFault.HOSTILE, "a name that is there twice")
    if {_LIST, *manifest.files} != set(names) or DATABASE not in manifest.files:
        raise BadBackup(str(file), BackupFault.DAMAGED, "files that its list does not name, or names in vain")
    for info in infos:
        _check_kind(file, info)
        if info.filename != _LIST and info.file_size != manifest.files[info.filename].size:
            raise BadBackup(str(file), BackupFault.DAMAGED, info.filename)
    if sum(info.file_size for info in infos) > file.stat().st_size:  # they overlap
        raise BadBackup(str(file), BackupFault.HOSTILE, "more than it has room for")


def _check_kind(file: Path, info: zipfile.ZipInfo) -> None:
    """Raise BadBackup for what is no ordinary, plain file."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    encrypted = info.flag_bits & 0x1
    compressed = info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size
    if kind not in {0, stat.S_IFREG} or encrypted or compressed:
        raise BadBackup(str(file), BackupFault.HOSTILE, info.filename)


@contextmanager
def _damage(file: Path, what: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        foreign = not zipfile.is_zipfile(file) and not _begins_as_zip(file)
        fault = BackupFault.FOREIGN if foreign else BackupFault.DAMAGED
        raise BadBackup(str(file), fault, what) from error


def _begins_as_zip(file: Path) -> bool:
    """A backup that was cut off has no directory, and begins as one all the same."""
    with file.open("rb") as opened_file:
        return opened_file.read(4) == b"PK\x03\x04"


def _put(archive: zipfile.ZipFile, name: str, file: Path) -> Entry:
    """Add a file; raises FileNotFoundError before anything of it is written."""
    info = zipfile.ZipInfo.from_file(file, name, strict_timestamps=False)
    with file.open("rb") as source, archive.open(info, "w", force_zip64=True) as out:
        return _copied(source, out)


def _copied(source: IO[bytes], out: IO[bytes]) -> Entry:
    digest = hashlib.sha256()
    size = 0
    while chunk := source.read(_CHUNK):
        out.write(chunk)
        digest.update(chunk)
        size += len(chunk)
    return Entry(size=size, sha256=digest.hexdigest())
