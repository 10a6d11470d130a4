"""The playground, and the persons who use it."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.playground import Person, Playground

ROOT = Path(__file__).parents[2]


def schema_path() -> Path | None:
    named = os.environ.get("EASEL_OPENAPI")
    path = Path(named) if named else ROOT.parent / "shared" / "discord" / "openapi.json"
    return path if path.is_file() else None


@pytest_asyncio.fixture
async def playground(request: pytest.FixtureRequest) -> AsyncIterator[Playground]:
    """A parameter is its limits of rate."""
    async with Playground(schema=schema_path(), limits=getattr(request, "param", None)) as opened:
        yield opened
    assert opened.violations == []


@pytest.fixture
def ada(playground: Playground) -> Person:
    return playground.person("ada")


@pytest.fixture
def linus(playground: Playground) -> Person:
    return playground.person("linus")


@pytest.fixture
def grace(playground: Playground) -> Person:
    """The moderator."""
    return playground.person("grace")
