"""Databases that are closed also when a test fails; left open, their threads would keep the process alive."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from db import Database


def names_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


@asynccontextmanager
async def opened(path: Path, *, busy_timeout: float = 5.0) -> AsyncIterator[Database]:
    database = await Database.open(path, busy_timeout=busy_timeout)
    try:
        yield database
    finally:
        await database.close()
