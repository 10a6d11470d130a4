from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from db import Connection, Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "easel.db")
    yield database
    await database.close()


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    """One transaction around the whole test."""
    async with database.transaction() as connection:
        yield connection
