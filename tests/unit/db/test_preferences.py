"""The laws of members' own defaults: one row a member, replaced as a whole, and gone when deleted."""

import db
from db import Connection, PreferencesRow

FULL = PreferencesRow(
    member_id=1,
    model="storybook",
    style="it's; ink",
    size="16:9",
    num_inference_steps=0,
    guidance_scale=0.0,
    scheduler="DDIM",
    negative_prompt='"; DROP TABLE preferences; --',
    count=4,
    private=False,
)


async def test_what_is_put_is_found_with_its_zeros_and_its_no(connection: Connection) -> None:
    await db.preferences.put(connection, FULL)
    assert await db.preferences.find(connection, 1) == FULL
    assert await db.preferences.find(connection, 2) is None


async def test_putting_again_leaves_nothing_of_what_was_there(connection: Connection) -> None:
    await db.preferences.put(connection, FULL)
    other = PreferencesRow(member_id=1, private=True)
    await db.preferences.put(connection, other)
    assert await db.preferences.find(connection, 1) == other


async def test_deleting_is_for_one_member_alone(connection: Connection) -> None:
    await db.preferences.put(connection, FULL)
    bystander = PreferencesRow(member_id=2, count=1)
    await db.preferences.put(connection, bystander)
    assert await db.preferences.delete(connection, 1)
    assert not await db.preferences.delete(connection, 1)
    assert await db.preferences.find(connection, 1) is None
    assert await db.preferences.find(connection, 2) == bystander
