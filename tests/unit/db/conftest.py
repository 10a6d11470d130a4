from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from db import Connection, Database
from tests.unit.db.files import opened


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(tmp_path / "easel.db") as database:
        yield database


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    """One transaction around the whole test."""
    async with database.transaction() as connection:
        yield connection
