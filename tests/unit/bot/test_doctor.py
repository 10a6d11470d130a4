"""The doctor never names an illness without saying what to do."""

from pathlib import Path

import pytest

from bot.doctor import database_advice
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
