"""Rows for tests that do not care about most of their fields."""

from typing import Any

import db


def a_generation(id: str = "aaaa", **values: Any) -> db.GenerationRow:  # noqa: A002  (the column's name)
    defaults: dict[str, Any] = {
        "id": id,
        "member_id": 1,
        "guild_id": 10,
        "channel_id": 100,
        "private": False,
        "parent_id": None,
        "prompt": "a red cat on the beach",
        "negative_prompt": "",
        "model": "storybook",
        "width": 256,
        "height": 192,
        "num_inference_steps": 20,
        "guidance_scale": 4.0,
        "scheduler": "ddim",
        "strength": None,
        "seed": 7,
        "source": None,
        "recipe": '{"prompt": "a red cat on the beach"}',
        "created_at": 1000.0,
    }
    return db.GenerationRow(**defaults | values)


def a_job(generation_id: str = "aaaa", **values: Any) -> db.JobRow:
    defaults: dict[str, Any] = {
        "generation_id": generation_id,
        "member_id": 1,
        "state": "queued",
        "attempts": 0,
        "cost": 12.0,
        "created_at": 1000.0,
    }
    return db.JobRow(**defaults | values)


def a_picture(generation_id: str = "aaaa", number: int = 1, **values: Any) -> db.PictureRow:
    defaults: dict[str, Any] = {
        "generation_id": generation_id,
        "number": number,
        "path": f"{generation_id}-{number}.png",
        "seed": 7,
        "sha256": "0" * 64,
        "width": 256,
        "height": 192,
    }
    return db.PictureRow(**defaults | values)


def a_seed(name: str = "my cat", **values: Any) -> db.SeedRow:
    defaults: dict[str, Any] = {
        "member_id": 1,
        "name": name,
        "seed": 7,
        "generation_id": None,
        "created_at": 1000.0,
    }
    return db.SeedRow(**defaults | values)


NOWHERE: dict[str, Any] = {
    "application_id": None,
    "interaction_token": None,
    "interaction_expires_at": None,
    "channel_id": None,
    "waiting_message_id": None,
    "ephemeral": False,
}


def a_sheet(id: str = "aaaa", **values: Any) -> db.SheetRow:  # noqa: A002  (the column's name)
    defaults: dict[str, Any] = {
        "id": id,
        "member_id": 1,
        "guild_id": 10,
        "private": False,
        "plan": "{}",
        "asked_at": 1000.0,
    }
    return db.SheetRow(**defaults | values)


def a_look(id: str = "aaaa", **values: Any) -> db.LookRow:  # noqa: A002  (the column's name)
    defaults: dict[str, Any] = {
        "id": id,
        "member_id": 1,
        "guild_id": 10,
        "private": False,
        "source": f"looked at by {id}",
        "created_at": 1000.0,
    }
    return db.LookRow(**defaults | values)


async def record(connection: db.Connection, *ids: str, **values: Any) -> None:
    """A generation and its queued job for each id."""
    for number, generation_id in enumerate(ids):
        row = a_generation(generation_id, **{"created_at": 1000.0 + number} | values)
        await db.generations.insert(connection, row)
        await db.jobs.insert(connection, a_job(generation_id, member_id=row.member_id, created_at=row.created_at))
