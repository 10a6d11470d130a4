"""What is made of a picture that is there: near neighbours, a larger one, one with a wider view."""

import asyncio
import re
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import discord

from bot.attachments import fetch
from bot.attachments import picture_of as picture_in
from bot.desk import Desk, desk_of, viewer_of
from bot.errors import NotAllowed, NotFound, OneOfTwo
from bot.history import Generation, Picture
from bot.pick import Pick, alone, picture_of, turns
from bot.place import Viewer
from generation import NO_STYLE, PROMPT_LIMIT, BadPicture, Direction, Mode, PictureFault, Request, read_recipe

Interaction = discord.Interaction[Any]

NEAR = 0.3  # how far neighbours lie from their picture where nobody said
HALF = 0.5  # of a blend
NEIGHBOURS = 4  # in a row


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A picture to make something of: an `upload`, or the picture `number` of what Easel has `drawn`."""

    upload: discord.Attachment | None = None
    drawn: Generation | None = None
    number: int = 1

    @property
    def private(self) -> bool:
        return self.drawn is not None and self.drawn.private

    async def read(self) -> tuple[bytes, str]:
        """Its bytes and its name. Raises BadPicture, or NotFound where it is no longer here."""
        if self.upload is not None:
            return await fetch(self.upload), self.upload.filename
        picture = self.picture
        return await asyncio.to_thread(picture.file.read_bytes), picture.name

    @property
    def picture(self) -> Picture:
        """The picture of a generation. Raises NotFound where it is no longer here, NotAllowed for a flagged one.

        What is made of a picture may come from a model that has no content filter.
        """
        if self.drawn is None:
            raise ValueError("an upload is no picture of Easel's own")
        picture = picture_of(self.drawn, self.number)
        if picture.flagged:
            raise NotAllowed("flagged")
        return picture

    async def words(self, data: bytes) -> dict[str, Any]:
        """What it was drawn from, by Request's field names: by the records, else by what its file tells."""
        if self.drawn is not None:
            recipe = self.drawn.recipe
            style = NO_STYLE if recipe.style is None else recipe.style
            text = recipe.texts[self.number - 1]
            return {"prompt": text, "negative_prompt": recipe.negative_prompt, "style": style}
        found = await asyncio.to_thread(read_recipe, BytesIO(data))
        told = {} if found is None else found.options
        named = {name: told[name] for name in ("prompt", "negative_prompt", "style") if name in told}
        return {"prompt": "", "style": NO_STYLE} | named


async def chosen_from(interaction: Interaction, message: discord.Message | None) -> Chosen:
    """The picture of a message: as it was drawn where it is Easel's own. Raises BadPicture where there is none."""
    image = None if message is None else picture_in(message)
    if message is None or image is None:
        raise BadPicture(PictureFault.MISSING)
    if message.author == interaction.client.user:
        pick = Pick.read(image.filename)
        try:
            drawn = await desk_of(interaction).history.recall(pick.generation_id, viewer_of(interaction))
            picture_of(drawn, pick.first)
        except NotFound:
            return Chosen(upload=image)
        return Chosen(drawn=drawn, number=pick.first)
    return Chosen(upload=image)


async def choose(desk: Desk, viewer: Viewer, *, image: discord.Attachment | None, typed: str | None) -> Chosen:
    """The one picture that was named, by an upload or by an id. Raises OneOfTwo or NotFound."""
    if typed is None or image is not None:
        if image is None or typed is not None:
            raise OneOfTwo(both=image is not None)
        return Chosen(upload=image)
    pick = Pick.read(typed)
    drawn = await desk.history.recall(pick.generation_id, viewer)
    picture_of(drawn, pick.first)
    return Chosen(drawn=drawn, number=pick.first)


async def vary(interaction: Interaction, typed: str, *, amount: float = NEAR) -> None:
    """A row of pictures that differ from the one named by `amount`, 0 to 1."""
    desk, viewer = desk_of(interaction), viewer_of(interaction)
    pick = Pick.read(typed)
    parent = await desk.history.recall(pick.generation_id, viewer)
    address = await desk.think(interaction, private=parent.private)
    row = {"count": NEIGHBOURS, "variation": amount, "variation_seed": None, "turned": turns(parent, pick.first)}
    changes = alone(parent, pick.first) | row
    request = await desk.history.again(parent.id, viewer, new_seed=False, **changes)
    await desk.submit(request, viewer=viewer, address=address, private=parent.private, parent_id=parent.id)


async def upscale(
    interaction: Interaction, chosen: Chosen, *, scale: float | None = None, prompt: str | None = None
) -> None:
    """The picture with more pixels, by whatever is on this machine for that."""
    wish: dict[str, Any] = {"mode": Mode.UPSCALE, "scale": scale}
    await _make(interaction, chosen, {**wish, "count": 1} | ({} if prompt is None else {"prompt": prompt}))


async def outpaint(interaction: Interaction, chosen: Chosen, direction: Direction) -> None:
    """The picture on a larger canvas."""
    studio = desk_of(interaction).studio
    rather = None if chosen.drawn is None else chosen.drawn.recipe.model
    model = await studio.model_for(Mode.OUTPAINT, rather=rather)
    await _make(interaction, chosen, {"mode": Mode.OUTPAINT, "direction": direction, "model": model})


async def blend(interaction: Interaction, first: Chosen, second: Chosen, *, amount: float) -> None:
    """A picture between two, `amount` of the way from the first to the second, of what both were drawn from."""
    desk, viewer = desk_of(interaction), viewer_of(interaction)
    address = await desk.think(interaction, private=first.private or second.private)
    pair = await first.read(), await second.read()
    words = [
        str((await chosen.words(data))["prompt"]) for chosen, (data, _) in zip((first, second), pair, strict=True)
    ]
    model = await desk.studio.model_for(Mode.BLEND)
    async with desk.holding(desk.read_pair(*pair)) as source:
        request = Request(
            prompt=_between(*words, amount=amount),
            style=NO_STYLE,
            model=model,
            mode=Mode.BLEND,
            source=source.sha256,
            blend=amount,
        )
        await desk.submit(request, viewer=viewer, address=address, source=source)


def _between(first: str, second: str, *, amount: float) -> str:
    """A prompt between two, by the grammar's own blend; the nearer one's where they do not go into that."""
    both = f'("{first}", "{second}").blend({1 - amount:.2f}, {amount:.2f})'
    plain = not re.search(r'["\\{<]|\.blend\(', first + second)
    if first.strip() and second.strip() and plain and len(both) <= PROMPT_LIMIT:
        return both
    nearer, other = (first, second) if amount <= HALF else (second, first)
    return nearer if nearer.strip() else other


async def _make(interaction: Interaction, chosen: Chosen, wish: dict[str, Any]) -> None:
    """Acknowledge, read the picture, and ask for what is wished; its own words stand where there are no others."""
    desk, viewer = desk_of(interaction), viewer_of(interaction)
    address = await desk.think(interaction, private=chosen.private)
    data, name = await chosen.read()
    words = await chosen.words(data)
    async with desk.holding(desk.read_data(data, name)) as source:
        await desk.submit(
            Request(source=source.sha256, **{**words, **wish}),
            viewer=viewer,
            address=address,
            private=chosen.private,
            parent_id=None if chosen.drawn is None else chosen.drawn.id,
            source=source,
        )
