"""The laws of the charges: made once, settled once, never more back than was taken. And the learned rates."""

import asyncio

import pytest

import db
from db import AllowanceRow, ChargeRow, Connection, Database, RateRow


def a_charge(generation_id: str = "aaaa", **values: float) -> ChargeRow:
    return ChargeRow(generation_id=generation_id, member_id=1, **{"amount": 12.0, "charged_at": 1.0} | values)


async def test_allowance_is_what_was_put_last(connection: Connection) -> None:
    assert await db.allowances.find(connection, 1) is None
    for balance in (5.0, 0.0, -3.5):
        row = AllowanceRow(member_id=1, balance=balance, updated_at=2.0)
        await db.allowances.put(connection, row)
        assert await db.allowances.find(connection, 1) == row
    assert await db.allowances.find(connection, 2) is None


async def test_generation_is_charged_once(database: Database) -> None:
    async with database.transaction() as connection:
        await db.allowances.charge(connection, a_charge())
    with pytest.raises(db.RuleBroken, match=r"charges\.generation_id"):
        async with database.transaction() as connection:
            await db.allowances.charge(connection, a_charge(amount=1.0))


async def test_charge_is_settled_once(connection: Connection) -> None:
    await db.allowances.charge(connection, a_charge())
    settled = await db.allowances.settle(connection, "aaaa", 4.5, 9.0)
    assert settled == a_charge(refunded=4.5, settled_at=9.0)
    assert await db.allowances.settle(connection, "aaaa", 12.0, 10.0) is None
    assert await db.allowances.settle(connection, "nowhere", 0.0, 10.0) is None


async def test_of_many_settlements_at_once_one_refunds(database: Database) -> None:
    async with database.transaction() as connection:
        await db.allowances.charge(connection, a_charge())
        await db.allowances.put(connection, AllowanceRow(member_id=1, balance=0.0, updated_at=1.0))

    async def refund() -> None:
        async with database.transaction() as connection:
            charge = await db.allowances.settle(connection, "aaaa", 12.0, 9.0)
            row = await db.allowances.find(connection, 1)
            assert row is not None
            if charge is not None:
                balance = row.balance + charge.refunded
                await db.allowances.put(connection, AllowanceRow(member_id=1, balance=balance, updated_at=9.0))

    await asyncio.gather(*(refund() for _ in range(20)))
    async with database.reading() as connection:
        row = await db.allowances.find(connection, 1)
    assert row is not None
    assert row.balance == 12.0


@pytest.mark.parametrize("refund", [12.5, -0.5])
async def test_refund_is_never_more_than_the_charge_nor_less_than_nothing(
    database: Database, refund: float
) -> None:
    async with database.transaction() as connection:
        await db.allowances.charge(connection, a_charge())
    with pytest.raises(db.RuleBroken):
        async with database.transaction() as connection:
            await db.allowances.settle(connection, "aaaa", refund, 9.0)


async def test_rate_is_what_was_put_last(connection: Connection) -> None:
    assert await db.rates.every(connection) == []
    for samples in (1, 2):
        row = RateRow(
            key="storybook", seconds_per_unit=0.5 / samples, spread=0.1 * samples, samples=samples, updated_at=3.0
        )
        await db.rates.put(connection, row)
        assert await db.rates.every(connection) == [row]
    other = RateRow(key="load'; --", seconds_per_unit=2.0, spread=0.3, samples=1, updated_at=3.0)
    await db.rates.put(connection, other)
    assert await db.rates.every(connection) == [other, row]
