"""What members set for themselves, and how it fills what a request leaves open."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from random import Random
from typing import Any, Self

import db
from bot.place import Viewer
from db import Database
from generation import BadSize, Catalogue, Mode, Model, Request, Styles, can_draw, complete


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """One member's own defaults by Request's field names; None is not set.

    `private` is for commands: a reply is answered where it stands.
    """

    model: str | None = None
    style: str | None = None
    size: str | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    scheduler: str | None = None
    negative_prompt: str | None = None
    count: int | None = None
    private: bool | None = None

    def filled(self, request: Request, *, catalogue: Catalogue, styles: Styles) -> Request:
        """`request` with its holes filled, as far as what is set here still exists and fits the model.

        The request's own model comes first, then the one set here, if it can do what is asked. Steps, guidance and
        size that the model cannot take are passed over, and so is the size where a source image has its own.
        Enlarging a picture takes nothing from here.
        """
        if request.mode is Mode.UPSCALE:
            return request
        name = request.model
        own = catalogue.get(self.model or "")
        if name is None and own is not None and (request.mode is None or can_draw(own, request.mode)):
            name = own.name
        model = catalogue.find(name)
        usable = dict(self._usable(model, styles, has_source=request.source is not None))
        holes = {field: value for field, value in usable.items() if getattr(request, field) is None}
        return replace(request, model=name, **holes)

    def changed(self, changes: Mapping[str, Any], *, catalogue: Catalogue, styles: Styles) -> Self:
        """These with `changes`, which the model set here, or the default one, can take; what is gone is left out.

        Raises InvalidRequest for the first change that makes no sense.
        """
        kept = replace(
            self,
            model=self.model if self.model in catalogue else None,
            style=self.style if self.style in styles else None,
        )
        kept = replace(kept, **changes)
        asked = {name: value for name, value in changes.items() if name not in {"model", "private"}}
        recipe = complete(
            Request(prompt="anything", model=kept.model, seed=0, **asked),
            model=catalogue.find(kept.model),
            source_size=None,
            chance=Random(0),  # noqa: S311  (nothing is left to chance)
            styles=styles,
        )
        return replace(kept, style=recipe.style.name) if recipe.style is not None else kept

    def _usable(self, model: Model, styles: Styles, *, has_source: bool) -> Iterator[tuple[str, Any]]:
        if self.style in styles:
            yield "style", self.style
        if self.size is not None and not has_source and _fits(self.size, model):
            yield "size", self.size
        for name, bounds in (("num_inference_steps", model.steps), ("guidance_scale", model.guidance)):
            value = getattr(self, name)
            if value is not None and bounds.minimum <= value <= bounds.maximum:
                yield name, value
        if self.scheduler in model.schedulers:
            yield "scheduler", self.scheduler
        yield "negative_prompt", self.negative_prompt
        yield "count", self.count


class Preferences:
    """Keeps each member's own defaults."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, viewer: Viewer) -> Defaults:
        async with self._database.reading() as connection:
            row = await db.preferences.find(connection, viewer.member_id)
        if row is None:
            return Defaults()
        return Defaults(**{field.name: getattr(row, field.name) for field in fields(Defaults)})

    async def put(self, viewer: Viewer, defaults: Defaults) -> None:
        async with self._database.transaction() as connection:
            await db.preferences.put(connection, db.PreferencesRow(member_id=viewer.member_id, **asdict(defaults)))

    async def reset(self, viewer: Viewer) -> None:
        """Forget them all; where there are none, nothing happens."""
        async with self._database.transaction() as connection:
            await db.preferences.delete(connection, viewer.member_id)


def _fits(size: str, model: Model) -> bool:
    try:
        model.size.read(size)
    except BadSize:
        return False
    return True
