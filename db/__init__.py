"""SQLite storage: one Database, a frozen row value for each table, and a module of statements for each noun.

Every function of a module takes a connection first, so that several of them join in one transaction.
"""

from aiosqlite import Connection

from db import allowances, deliveries, generations, jobs, pictures, rates, seeds
from db.allowances import AllowanceRow, ChargeRow
from db.database import Database
from db.deliveries import DeliveryRow, DeliveryState
from db.errors import (
    DatabaseClosed,
    DatabaseError,
    DatabaseUnusable,
    MigrationFailed,
    NestedTransaction,
    NewerDatabase,
    Reason,
    RuleBroken,
    WrongState,
)
from db.generations import GenerationRow, Totals
from db.jobs import JobRow, UnendedJob
from db.pictures import PictureRow
from db.rates import RateRow
from db.seeds import SeedRow

__all__ = [
    "AllowanceRow",
    "ChargeRow",
    "Connection",
    "Database",
    "DatabaseClosed",
    "DatabaseError",
    "DatabaseUnusable",
    "DeliveryRow",
    "DeliveryState",
    "GenerationRow",
    "JobRow",
    "MigrationFailed",
    "NestedTransaction",
    "NewerDatabase",
    "PictureRow",
    "RateRow",
    "Reason",
    "RuleBroken",
    "SeedRow",
    "Totals",
    "UnendedJob",
    "WrongState",
    "allowances",
    "deliveries",
    "generations",
    "jobs",
    "pictures",
    "rates",
    "seeds",
]
