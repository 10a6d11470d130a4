"""The doctor never names an illness without saying what to do."""

from pathlib import Path

import discord
import pytest

from bot.doctor import database_advice, servers
from db import DatabaseError, DatabaseUnusable, MigrationFailed, NewerDatabase, Reason

ILLNESSES = [
    *(DatabaseUnusable(Path("easel.db"), reason, "a detail") for reason in Reason),
    NewerDatabase(Path("easel.db"), found=9, known=1),
    MigrationFailed("0002_more", "a detail"),
]


@pytest.mark.parametrize("error", ILLNESSES, ids=str)
def test_every_illness_of_the_database_has_its_own_advice(error: DatabaseError) -> None:
    advice = database_advice(error)
    assert advice.endswith(".")
    assert [database_advice(other) for other in ILLNESSES].count(advice) == 1


WITHOUT_FILES = discord.Permissions.all()
WITHOUT_FILES.update(attach_files=False, administrator=False)


@pytest.mark.parametrize(
    ("permissions", "lacking"),
    [
        (discord.Permissions.all(), None),
        (discord.Permissions(administrator=True), None),
        (discord.Permissions.none(), "View Channels, Send Messages"),
        (WITHOUT_FILES, "in Home it lacks Attach Files"),
    ],
)
def test_a_permission_that_is_lacking_is_named_with_its_server(
    permissions: discord.Permissions, lacking: str | None
) -> None:
    finding = servers([{"name": "Home", "permissions": str(permissions.value)}])

    assert finding.ok is (lacking is None)
    assert lacking is None or (lacking in finding.found and finding.advice)


def test_a_bot_that_nobody_invited_is_told_to_be_invited() -> None:
    assert "Invite it" in servers([]).advice
