"""Recipes, models and records of generations for tests that do not care which."""

from pathlib import Path
from typing import Any

from bot.history import Generation, Picture
from generation import Family, JobState, Mode, Model, Range, Recipe, Scheduler, Size, SizeBounds


def a_recipe(**values: Any) -> Recipe:
    defaults: dict[str, Any] = {
        "mode": Mode.TEXT_TO_IMAGE,
        "prompt": "a red cat",
        "negative_prompt": "",
        "model": "storybook",
        "width": 256,
        "height": 256,
        "num_inference_steps": 20,
        "guidance_scale": 4.0,
        "scheduler": Scheduler.DDIM,
        "seeds": (7,),
    }
    return Recipe(**defaults | values)


def a_model(**values: Any) -> Model:
    defaults: dict[str, Any] = {
        "name": "some-model",
        "title": "Some Model",
        "family": Family.SD1,
        "source": "nowhere/some-model",
        "size": SizeBounds(native=Size(width=512, height=512), grid=8, minimum=256, maximum=1024),
        "steps": Range.of(1, 25, 150),
        "guidance": Range.of(0.0, 7.5, 30.0),
        "scheduler": Scheduler.DDIM,
        "strength": 0.75,
        "licence": "none",
    }
    return Model(**defaults | values)


def a_generation(prompt: str = "a red cat", **values: Any) -> Generation:
    """As on record, drawn from a text; its file is not there."""
    defaults: dict[str, Any] = {
        "id": "abcdefghjk",
        "member_id": 7,
        "guild_id": 1,
        "channel_id": 2,
        "private": False,
        "age_restricted": False,
        "parent_id": "zyxwvutsrq",
        "source_given": True,
        "recipe": a_recipe(prompt=prompt, negative_prompt=prompt, seeds=(7, 8)),
        "state": JobState.FINISHED,
        "failure": None,
        "pictures": (
            Picture(number=1, file=Path("x"), name="abcdefghjk.png", seed=7, width=256, height=256),
            Picture(number=2, file=Path("y"), name="abcdefghjk-2.png", seed=8, width=256, height=256),
        ),
        "seconds": 3.14,
        "created_at": 1.7e9,
        "starred": True,
    }
    return Generation(**defaults | values)
