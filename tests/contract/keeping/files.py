"""Data folders with something to lose in them, and how to see that nothing was lost."""

import asyncio
from pathlib import Path

import db
from bot.backup import back_up, restore
from bot.pictures import Pictures
from db import Connection, Database
from tests.unit.db.rows import a_generation as a_generation_row
from tests.unit.db.rows import a_job, a_picture, a_seed

ADA, LINUS = 1, 2


async def keep(connection: Connection, pictures: Pictures, generation_id: str, member_id: int) -> None:
    """A finished generation with a picture and a source image of its own."""
    source = pictures._keep_source(f"the source of {generation_id}".encode())
    row = a_generation_row(
        generation_id, member_id=member_id, prompt=f"{generation_id} of {member_id}", source=source
    )
    await db.generations.insert(connection, row)
    await db.jobs.insert(connection, a_job(generation_id, member_id=member_id))
    await db.jobs.end(connection, generation_id, "finished", 1001.0, 2.0)
    picture = a_picture(generation_id)
    pictures.file(picture.path).write_bytes(f"the picture of {generation_id}".encode())
    await db.pictures.insert(connection, [picture])
    await db.seeds.save(connection, a_seed(f"seed of {generation_id}", member_id=member_id))


def fill(data_dir: Path, *ids: str, member_id: int = ADA) -> None:
    """More generations for a data folder, which may be a new one."""

    async def work() -> None:
        database = await Database.open(data_dir / "easel.db")
        async with database.transaction() as connection:
            for generation_id in ids:
                await keep(connection, Pictures(data_dir / "pictures"), generation_id, member_id)
        await database.close()

    asyncio.run(work())


def held(data_dir: Path) -> dict[str, tuple[bool, bool]]:
    """The generations on record, each with whether its picture and its source are there as they were."""

    async def work() -> dict[str, tuple[bool, bool]]:
        database = await Database.open(data_dir / "easel.db")
        pictures = Pictures(data_dir / "pictures")
        async with database.reading() as connection:
            rows = await connection.execute_fetchall("SELECT id, source FROM generations")
        await database.close()
        return {
            row["id"]: (
                _holds(pictures.file(f"{row['id']}-1.png"), f"the picture of {row['id']}"),
                _holds(pictures.source_file(row["source"]), f"the source of {row['id']}"),
            )
            for row in rows
        }

    return asyncio.run(work())


def _holds(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text() == text


def everything(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, but for locks."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != "easel.lock"
    }


def make_backup(folder: Path) -> None:
    """For a process that is killed: `folder`/data to `folder`/backup."""
    back_up(folder / "backup", data_dir=folder / "data")


def put_back(folder: Path) -> None:
    """For a process that is killed: `folder`/backup to `folder`/data."""
    asyncio.run(restore(folder / "backup", data_dir=folder / "data"))
