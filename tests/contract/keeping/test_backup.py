"""The laws of backup and restore: whole or not at all, checked before anything is touched, nothing thrown away."""

import asyncio
import shutil
import sqlite3
import threading
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import db
from bot import archive
from bot.app import open_house
from bot.backup import Restored, back_up, finish_restore, restore
from bot.errors import AlreadyRunning, BackupFault, BackupNotWritten, BadBackup, NothingToBackUp, NotReplaced
from bot.folder import owned
from bot.settings import Settings
from db import Database, DatabaseUnusable
from db.migrate import migrate, read_migrations
from tests.contract.keeping.files import ADA, LINUS, everything, fill, held, make_backup, put_back
from tests.disks import fill as fill_disk
from tests.disks import make_read_only, small_disk
from tests.killed import killed_at_each_step

WHOLE = (True, True)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with two generations."""
    folder = tmp_path / "data"
    fill(folder, "aaaa", "bbbb")
    return folder


@pytest.fixture
def backup(data: Path, tmp_path: Path) -> Path:
    back_up(tmp_path / "backup", data_dir=data)
    return tmp_path / "backup"


def put(backup: Path, data: Path) -> Restored:
    return asyncio.run(restore(backup, data_dir=data))


# A good backup ----------------------------------------------------------------------------------------------


def test_what_was_backed_up_comes_back_on_another_machine(backup: Path, tmp_path: Path) -> None:
    done = put(backup, tmp_path / "elsewhere")
    assert held(tmp_path / "elsewhere") == {"aaaa": WHOLE, "bbbb": WHOLE}
    assert (done.generations, done.members, done.pictures, done.missing, done.aside) == (2, 1, 2, 0, None)
    assert (tmp_path / "elsewhere" / "easel.db").stat().st_mode & 0o777 == 0o600


def test_a_backup_is_one_private_file_that_says_what_it_holds(data: Path, tmp_path: Path) -> None:
    manifest = back_up(tmp_path / "backup", data_dir=data)
    assert (manifest.generations, manifest.members, manifest.pictures, manifest.sources) == (2, 1, 2, 2)
    assert {file.name for file in tmp_path.iterdir()} == {"data", "backup"}
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600
    with archive.opened(tmp_path / "backup") as opened:
        assert opened.manifest == manifest


def test_a_backup_beside_a_writer_is_of_one_moment(data: Path, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            fill(data, f"w{number}")
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            back_up(tmp_path / f"backup-{number}", data_dir=data)
    finally:
        stop.set()
        writer.join()
    for number in range(5):
        folder = tmp_path / f"restored-{number}"
        done = put(tmp_path / f"backup-{number}", folder)
        found = held(folder)
        assert set(found.values()) == {WHOLE}
        assert sorted(found) == sorted(["aaaa", "bbbb", *(f"w{each}" for each in range(done.generations - 2))])


def test_what_was_there_is_kept_aside_and_can_be_brought_back(data: Path, backup: Path) -> None:
    fill(data, "cccc")
    before = everything(data)
    done = put(backup, data)
    assert held(data) == {"aaaa": WHOLE, "bbbb": WHOLE}
    assert done.aside is not None
    assert everything(done.aside) == before
    again = put(backup, data)
    assert again.aside is not None
    assert again.aside != done.aside


def test_an_older_backup_is_replaced_and_any_other_file_is_not(data: Path, backup: Path, tmp_path: Path) -> None:
    fill(data, "cccc")
    assert back_up(backup, data_dir=data).generations == 3
    for name, content in (("letter.txt", b"dear"), ("other.zip", b"PK\x05\x06" + bytes(18))):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(NotReplaced):
            back_up(tmp_path / name, data_dir=data)
        assert (tmp_path / name).read_bytes() == content


def test_a_picture_that_is_gone_is_counted(data: Path, tmp_path: Path) -> None:
    (data / "pictures" / "drawn" / "aaaa-1.png").unlink()
    assert back_up(tmp_path / "backup", data_dir=data).missing == 1
    done = put(tmp_path / "backup", tmp_path / "elsewhere")
    assert (done.pictures, done.missing) == (1, 1)


def test_a_backup_of_an_older_schema_is_brought_to_this_one(tmp_path: Path) -> None:
    released = read_migrations()
    migrate(tmp_path / "old" / "easel.db", released[:1])
    with closing(sqlite3.connect(tmp_path / "old" / "easel.db")) as connection:
        connection.execute("INSERT INTO seeds VALUES (1, 'cosy', 'cosy', 7, NULL, 1.0)")
        connection.commit()
    assert back_up(tmp_path / "backup", data_dir=tmp_path / "old").database_schema == 1
    put(tmp_path / "backup", tmp_path / "new")
    assert db.snapshot.examine(tmp_path / "new" / "easel.db").schema == len(released)
    assert {file.name for file in (tmp_path / "new").iterdir()} == {"easel.db", "easel.lock", "pictures"}


def test_the_database_that_an_update_left_is_restored_and_the_pictures_stay(data: Path, tmp_path: Path) -> None:
    before = data / "easel.db.before-0005"
    with closing(sqlite3.connect(data / "easel.db")) as connection:
        connection.execute("VACUUM INTO ?", (str(before),))
    fill(data, "cccc")
    done = put(before, data)
    assert held(data) == {"aaaa": WHOLE, "bbbb": WHOLE}
    assert done.made_at is None
    assert (data / "pictures" / "drawn" / "cccc-1.png").exists()


# Refused, and nothing changed -------------------------------------------------------------------------------


def test_nothing_is_restored_while_easel_runs(data: Path, backup: Path) -> None:
    with owned(data), pytest.raises(AlreadyRunning):
        put(backup, data)
    assert held(data) == {"aaaa": WHOLE, "bbbb": WHOLE}


def test_a_folder_without_records_is_told(tmp_path: Path) -> None:
    with pytest.raises(NothingToBackUp):
        back_up(tmp_path / "backup", data_dir=tmp_path / "nothing")
    assert not (tmp_path / "backup").exists()


def test_damaged_records_are_not_backed_up(data: Path, tmp_path: Path) -> None:
    content = (data / "easel.db").read_bytes()
    (data / "easel.db").write_bytes(content[:8192] + b"\xa5" * 8192 + content[16384:])
    with pytest.raises(DatabaseUnusable):
        back_up(tmp_path / "backup", data_dir=data)
    assert not (tmp_path / "backup").exists()


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-2000])


def half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flipped(where: float) -> Callable[[Path], None]:
    def work(file: Path) -> None:
        content = bytearray(file.read_bytes())
        content[int(len(content) * where)] ^= 0x40
        file.write_bytes(content)

    return work


def rewritten(
    change: Callable[[zipfile.ZipInfo, bytes], list[tuple[zipfile.ZipInfo, bytes]]],
) -> Callable[[Path], None]:
    """The backup written anew, with what `change` makes of each of its files."""

    def work(file: Path) -> None:
        with zipfile.ZipFile(file) as zipped:
            content = [(info, zipped.read(info)) for info in zipped.infolist()]
        with zipfile.ZipFile(file, "w") as zipped:
            for info, data in content:
                for each, changed in change(info, data):
                    zipped.writestr(each, changed, each.compress_type)

    return work


def named(name: str) -> Callable[[Path], None]:
    """One more file of that name."""
    return rewritten(
        lambda info, data: (
            [(info, data)] + ([(zipfile.ZipInfo(name), b"x")] if info.filename == "easel.db" else [])
        )
    )


def link(info: zipfile.ZipInfo, data: bytes) -> list[tuple[zipfile.ZipInfo, bytes]]:
    if info.filename.endswith("aaaa-1.png"):
        info.external_attr = 0o120777 << 16
        return [(info, b"/etc/passwd")]
    return [(info, data)]


def bomb(info: zipfile.ZipInfo, data: bytes) -> list[tuple[zipfile.ZipInfo, bytes]]:
    if info.filename.endswith("aaaa-1.png"):
        info.compress_type = zipfile.ZIP_DEFLATED
        return [(info, bytes(50_000_000))]
    return [(info, data)]


def other_picture(info: zipfile.ZipInfo, data: bytes) -> list[tuple[zipfile.ZipInfo, bytes]]:
    return [(info, data[::-1] if info.filename.endswith("aaaa-1.png") else data)]


def left_out(info: zipfile.ZipInfo, data: bytes) -> list[tuple[zipfile.ZipInfo, bytes]]:
    return [] if info.filename.endswith("aaaa-1.png") else [(info, data)]


def newer(info: zipfile.ZipInfo, data: bytes) -> list[tuple[zipfile.ZipInfo, bytes]]:
    return [
        (
            info,
            data.replace(b'"easel_backup":1', b'"easel_backup":2') if info.filename == "manifest.json" else data,
        )
    ]


def newer_schema(file: Path) -> None:
    with closing(sqlite3.connect(file.parent / "data" / "easel.db")) as connection:
        connection.execute("PRAGMA user_version = 9000")
    shutil.copyfile(file.parent / "data" / "easel.db", file)
    with closing(sqlite3.connect(file.parent / "data" / "easel.db")) as connection:
        connection.execute(f"PRAGMA user_version = {len(read_migrations())}")


def foreign_database(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE bookmarks (id INTEGER)")


def overlapping(file: Path) -> None:
    """The directory says of each picture that it is as large as the whole file."""
    with zipfile.ZipFile(file, "a") as zipped:
        for info in zipped.infolist():
            if info.filename.startswith("pictures/drawn"):
                info.file_size = info.compress_size = file.stat().st_size
        zipped._didModify = True


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (Path.unlink, BackupFault.MISSING),
        (lambda file: file.write_text("dear diary"), BackupFault.FOREIGN),
        (lambda file: file.write_bytes(b""), BackupFault.FOREIGN),
        (lambda file: zipfile.ZipFile(file, "w").close(), BackupFault.FOREIGN),
        (foreign_database, BackupFault.FOREIGN),
        (cut_off, BackupFault.DAMAGED),
        (half, BackupFault.DAMAGED),
        (flipped(0.2), BackupFault.DAMAGED),
        (flipped(0.5), BackupFault.DAMAGED),
        (flipped(0.9), BackupFault.DAMAGED),
        (rewritten(other_picture), BackupFault.DAMAGED),
        (rewritten(left_out), BackupFault.DAMAGED),
        (overlapping, BackupFault.DAMAGED),
        (rewritten(newer), BackupFault.NEWER),
        (newer_schema, BackupFault.NEWER),
        (named("../evil.png"), BackupFault.HOSTILE),
        (named("/srv/evil.png"), BackupFault.HOSTILE),
        (named("pictures/drawn/../../../evil.png"), BackupFault.HOSTILE),
        (named("pictures/drawn/.hidden"), BackupFault.HOSTILE),
        (named("pictures\\drawn\\evil.png"), BackupFault.HOSTILE),
        (named("C:/evil.png"), BackupFault.HOSTILE),
        (named("models/models.toml"), BackupFault.HOSTILE),
        (named("pictures/drawn/"), BackupFault.HOSTILE),
        (named("easel.db-wal"), BackupFault.HOSTILE),
        (rewritten(link), BackupFault.HOSTILE),
        (rewritten(bomb), BackupFault.HOSTILE),
    ],
)
def test_a_bad_backup_is_refused_in_words_and_changes_nothing(
    data: Path, backup: Path, tmp_path: Path, spoil: Callable[[Path], None], fault: BackupFault
) -> None:
    spoil(backup)
    before = everything(data)
    with pytest.raises(BadBackup) as caught:
        put(backup, data)
    assert caught.value.fault is fault, caught.value
    assert everything(data) == before
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE pictures SET path = '../../' || path", BackupFault.HOSTILE),
        ("UPDATE pictures SET path = '/etc/passwd' WHERE generation_id = 'aaaa'", BackupFault.HOSTILE),
        ("UPDATE generations SET source = '../../easel'", BackupFault.HOSTILE),
        ('UPDATE generations SET recipe = \'{"mask": "../../easel"}\'', BackupFault.HOSTILE),
        ("CREATE TRIGGER t AFTER INSERT ON jobs BEGIN DELETE FROM generations; END", BackupFault.FOREIGN),
    ],
)
@pytest.mark.parametrize("bare", [False, True])
def test_records_that_easel_would_not_have_written_are_refused(
    data: Path, tmp_path: Path, statement: str, fault: BackupFault, *, bare: bool
) -> None:
    shutil.copytree(data, tmp_path / "crafted")
    with closing(sqlite3.connect(tmp_path / "crafted" / "easel.db")) as connection:
        connection.execute(statement)
        connection.commit()
    backup = tmp_path / "crafted" / "easel.db"
    if not bare:
        backup = tmp_path / "backup"
        back_up(backup, data_dir=tmp_path / "crafted")
    before = everything(data)
    with pytest.raises(BadBackup) as caught:
        put(backup, data)
    assert caught.value.fault is fault
    assert everything(data) == before


@pytest.mark.parametrize("where", range(0, 100, 4))
def test_no_changed_bit_gets_through_or_is_worse_than_a_refusal(data: Path, backup: Path, where: int) -> None:
    before = everything(data)
    flipped(where / 100)(backup)
    try:
        put(backup, data)
    except BadBackup:
        assert everything(data) == before
    else:
        assert held(data) == {"aaaa": WHOLE, "bbbb": WHOLE}  # a bit that means nothing, such as a file's date


# Members who were erased since ------------------------------------------------------------------------------


def forget(data: Path, member_id: int) -> None:
    async def work() -> None:
        database = await Database.open(data / "easel.db")
        async with database.transaction() as connection:
            await db.members.erase(connection, member_id)
            row = db.tombstones.new(member_id, balance=None, balance_at=None, erased_at=1.0)
            await db.tombstones.insert(connection, row)
        await database.close()

    asyncio.run(work())


def test_an_older_backup_does_not_bring_back_who_was_erased_since(data: Path, tmp_path: Path) -> None:
    fill(data, "llll", member_id=LINUS)
    back_up(tmp_path / "backup", data_dir=data)
    forget(data, ADA)
    for _ in range(2):  # the tombstone is kept
        done = put(tmp_path / "backup", data)
        assert held(data) == {"llll": WHOLE}
        assert done.forgotten == 1
        assert not [name for name in everything(data / "pictures") if "aaaa" in name]
        assert len(everything(data / "pictures" / "sources")) == 1
        assert b"aaaa of 1" not in (data / "easel.db").read_bytes()


def test_a_backup_from_after_an_erasure_keeps_what_the_member_did_then(data: Path, tmp_path: Path) -> None:
    forget(data, ADA)
    fill(data, "dddd")
    back_up(tmp_path / "backup", data_dir=data)
    done = put(tmp_path / "backup", data)
    assert (held(data)["dddd"], done.forgotten) == (WHOLE, 0)


def test_records_that_cannot_be_read_tell_nobody_who_was_erased(data: Path, backup: Path) -> None:
    (data / "easel.db").write_bytes(b"\xa5" * 20_000)
    done = put(backup, data)
    assert done.forgotten is None
    assert done.aside is not None
    assert (done.aside / "easel.db").read_bytes() == b"\xa5" * 20_000
    assert held(data) == {"aaaa": WHOLE, "bbbb": WHOLE}


# Killed, and without room -----------------------------------------------------------------------------------


def test_a_backup_that_is_killed_anywhere_is_the_old_one_or_the_new_one(data: Path, tmp_path: Path) -> None:
    pristine = tmp_path / "pristine"
    pristine.mkdir()
    back_up(pristine / "backup", data_dir=data)
    fill(data, "cccc")
    data.rename(pristine / "data")
    killed = killed_at_each_step(make_backup, pristine, tmp_path / "killed", sql=True)
    assert len(killed) > 8
    for folder in killed:
        with archive.opened(folder / "backup") as opened:
            assert opened.manifest.generations in {2, 3}
            (folder / "unpacked").mkdir()
            opened.unpack(folder / "unpacked")
        assert set(held(folder / "data")) == {"aaaa", "bbbb", "cccc"}


def test_a_restore_that_is_killed_anywhere_leaves_the_old_or_the_new_and_loses_neither(
    data: Path, tmp_path: Path
) -> None:
    pristine = tmp_path / "pristine"
    pristine.mkdir()
    back_up(pristine / "backup", data_dir=data)
    fill(data, "cccc")
    data.rename(pristine / "data")
    old, new = {"aaaa", "bbbb", "cccc"}, {"aaaa", "bbbb"}
    killed = killed_at_each_step(put_back, pristine, tmp_path / "killed", sql=False)
    assert len(killed) > 30
    seen = set()
    for folder in killed:
        finish_restore(folder / "data")
        found = held(folder / "data")
        assert set(found.values()) == {WHOLE}
        assert set(found) in (old, new)
        seen.add(len(found))
        if set(found) == new:
            [aside] = (folder / "data").glob("before-restore-*")
            assert set(held(aside)) == old
        put_back(folder)  # and whatever was left in the way is not
        assert set(held(folder / "data")) == new
        left = {file.name.split("-")[0] for file in (folder / "data").iterdir()}
        assert left <= {"easel.db", "easel.lock", "pictures", "before"}
    assert seen == {2, 3}


@pytest.mark.parametrize("beside", [False, True])
def test_the_next_start_goes_on_with_a_restore_that_was_cut_off(
    data: Path, tmp_path: Path, *, beside: bool
) -> None:
    fill(tmp_path / "new", "cccc")
    (data / "restoring" / "new").mkdir(parents=True)
    for name in ("easel.db", "pictures"):
        (tmp_path / "new" / name).rename(data / "restoring" / "new" / name)

    async def start() -> None:
        async with open_house(Settings(data_dir=data), beside=beside):
            pass

    asyncio.run(start())
    assert held(data) == {"cccc": WHOLE}
    [aside] = data.glob("before-restore-*")
    assert held(aside) == {"aaaa": WHOLE, "bbbb": WHOLE}


@pytest.mark.parametrize("room", [0, 60, 180, 200])
def test_a_full_disk_refuses_a_restore_and_harms_nothing(tmp_path: Path, room: int) -> None:
    with small_disk(tmp_path / "disk", kilobytes=3000) as disk:
        data = disk / "data"
        fill(data, "aaaa", "bbbb")
        back_up(tmp_path / "backup", data_dir=data)
        fill(data, "cccc")
        before = everything(data)
        fill_disk(disk, leaving=room * 1024)
        with pytest.raises(Exception, match=r"No space left|full|\d+ > \d+"):
            put(tmp_path / "backup", data)
        assert everything(data) == before
        (disk / "filling").unlink()
        assert put(tmp_path / "backup", data).generations == 2


def test_a_full_disk_refuses_a_backup_and_keeps_the_older_one(data: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", kilobytes=800) as disk:
        back_up(disk / "backup", data_dir=data)
        before = (disk / "backup").read_bytes()
        fill(data, *(f"id{number}" for number in range(200)))
        fill_disk(disk, leaving=100_000)
        with pytest.raises((BackupNotWritten, DatabaseUnusable)):
            back_up(disk / "backup", data_dir=data)
        assert (disk / "backup").read_bytes() == before
        assert {file.name for file in disk.iterdir()} == {"backup", "filling"}


def test_a_disk_that_became_read_only_can_be_backed_up_and_refuses_a_restore(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", kilobytes=3000) as disk:
        fill(disk / "data", "aaaa")
        make_read_only(disk)
        try:
            assert back_up(tmp_path / "backup", data_dir=disk / "data").pictures == 1
            with pytest.raises(Exception, match="Read-only"):
                put(tmp_path / "backup", disk / "data")
        finally:
            make_read_only(disk, writable=True)
        assert held(disk / "data") == {"aaaa": WHOLE}
