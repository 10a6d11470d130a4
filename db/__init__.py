"""SQLite storage: one Database, a frozen row value for each table, and a module of statements for each noun.

Every function of a module takes a connection first, so that several of them join in one transaction.
"""

from aiosqlite import Connection

from db import (
    allowances,
    deliveries,
    generations,
    jobs,
    looks,
    members,
    pictures,
    preferences,
    rates,
    search,
    seeds,
    servers,
    sheets,
    shortages,
    snapshot,
    tombstones,
)
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
from db.looks import LookRow
from db.members import Erased, Holdings
from db.pictures import PictureRow
from db.preferences import PreferencesRow
from db.rates import RateRow
from db.search import Turn, Wanted
from db.seeds import SeedRow
from db.servers import BlockRow, DeedRow, ServerRoleRow, ServerRow, ShowcasedRow
from db.sheets import SheetRow, SheetState
from db.shortages import ShortageRow
from db.snapshot import Contents
from db.tombstones import TombstoneRow

__all__ = [
    "AllowanceRow",
    "BlockRow",
    "ChargeRow",
    "Connection",
    "Contents",
    "Database",
    "DatabaseClosed",
    "DatabaseError",
    "DatabaseUnusable",
    "DeedRow",
    "DeliveryRow",
    "DeliveryState",
    "Erased",
    "GenerationRow",
    "Holdings",
    "JobRow",
    "LookRow",
    "MigrationFailed",
    "NestedTransaction",
    "NewerDatabase",
    "PictureRow",
    "PreferencesRow",
    "RateRow",
    "Reason",
    "RuleBroken",
    "SeedRow",
    "ServerRoleRow",
    "ServerRow",
    "SheetRow",
    "SheetState",
    "ShortageRow",
    "ShowcasedRow",
    "TombstoneRow",
    "Totals",
    "Turn",
    "UnendedJob",
    "Wanted",
    "WrongState",
    "allowances",
    "deliveries",
    "generations",
    "jobs",
    "looks",
    "members",
    "pictures",
    "preferences",
    "rates",
    "search",
    "seeds",
    "servers",
    "sheets",
    "shortages",
    "snapshot",
    "tombstones",
]
