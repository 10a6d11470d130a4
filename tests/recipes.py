"""Recipes and models for tests that do not care which."""

from typing import Any

from generation import Family, Mode, Model, Range, Recipe, Scheduler, Size, SizeBounds


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
