"""What is made of a picture that is there: it again, near neighbours, a larger one, one with a wider view."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import discord

from bot import wording
from bot.attachments import fetch
from bot.attachments import picture_of as picture_in
from bot.desk import Desk, desk_of, viewer_of
from bot.errors import NotFound, OneOfTwo, WordKeptOut
from bot.history import Generation
from bot.pick import Pick, alone, picture_of, starting_picture, turns
from bot.place import Viewer
from generation import (
    NO_STYLE,
    PROMPT_LIMIT,
    BadPicture,
    Direction,
    InvalidRequest,
    Mode,
    PictureFault,
    Request,
    read_recipe,
)

Interaction = discord.Interaction[Any]

NEAR = 0.3  # how far neighbours lie from their picture where nobody said
HALF = 0.5  # of a blend
NEIGHBOURS = 4  # in a row
_NO_WORDS: dict[str, Any] = {"prompt": "", "negative_prompt": None, "style": NO_STYLE}


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
        """Its bytes and its name. Raises BadPicture, or as `starting_picture` does."""
        if self.drawn is None:
            if self.upload is None:
                raise ValueError("neither an upload nor a picture of Easel's own")
            return await fetch(self.upload), self.upload.filename
        picture = starting_picture(self.drawn, self.number)
        return await asyncio.to_thread(picture.file.read_bytes), picture.name

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
        return _NO_WORDS | named


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
    if pick.number is None and drawn.pictures:  # whose first picture may have been held back by the content filter
        pick = Pick.read(drawn.pictures[0].name)
    picture_of(drawn, pick.first)
    return Chosen(drawn=drawn, number=pick.first)


async def vary(interaction: Interaction, typed: str, *, amount: float = NEAR) -> None:
    """A row of pictures that differ from the one named by `amount`, 0 to 1."""
    pick = Pick.read(typed)
    parent = await desk_of(interaction).history.recall(pick.generation_id, viewer_of(interaction))
    row = {"count": NEIGHBOURS, "variation": amount, "variation_seed": None, "turned": turns(parent, pick.first)}
    await draw_again(interaction, parent, new_seed=False, **alone(parent, pick.first) | row)


async def draw_again(interaction: Interaction, parent: Generation, *, new_seed: bool, **changes: Any) -> None:
    """Acknowledge, and have a generation drawn again with `changes`, by Request's field names."""
    desk, viewer = desk_of(interaction), viewer_of(interaction)
    private = parent.private or await desk.is_private(viewer)
    address = await desk.think(interaction, private=private)
    request = await desk.history.again(parent.id, viewer, new_seed=new_seed, **changes)
    await desk.submit(request, viewer=viewer, address=address, private=private, parent_id=parent.id)


async def upscale(
    interaction: Interaction, chosen: Chosen, *, scale: float | None = None, prompt: str | None = None
) -> None:
    """The picture with more pixels, by whatever is on this machine for that."""
    wish: dict[str, Any] = {"mode": Mode.UPSCALE, "scale": scale}
    await _make(interaction, chosen, {**wish, "count": 1} | ({} if prompt is None else {"prompt": prompt}))


async def outpaint(interaction: Interaction, chosen: Chosen, direction: Direction) -> None:
    """The picture on a larger canvas."""
    studio, viewer = desk_of(interaction).studio, viewer_of(interaction)
    rather = None if chosen.drawn is None else chosen.drawn.recipe.model
    model = await studio.recipes.model_for(Mode.OUTPAINT, viewer, rather=rather)
    await _make(interaction, chosen, {"mode": Mode.OUTPAINT, "direction": direction, "model": model})


async def blend(interaction: Interaction, first: Chosen, second: Chosen, *, amount: float) -> None:
    """A picture between two, `amount` of the way from the first to the second, of what both were drawn from."""
    desk, viewer = desk_of(interaction), viewer_of(interaction)
    private = first.private or second.private or await desk.is_private(viewer)
    address = await desk.think(interaction, private=private)
    pair = await first.read(), await second.read()
    prompts = [
        str((await chosen.words(data))["prompt"]) for chosen, (data, _) in zip((first, second), pair, strict=True)
    ]
    words = {"prompt": _between(*prompts, amount=amount), "style": NO_STYLE}
    model = await desk.studio.recipes.model_for(Mode.BLEND, viewer)
    async with desk.holding(desk.read_pair(*pair)) as source:
        wish = {"model": model, "mode": Mode.BLEND, "source": source.sha256, "blend": amount}
        await _submit(desk, words, wish, viewer=viewer, address=address, private=private, source=source)


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
    private = chosen.private or await desk.is_private(viewer)
    address = await desk.think(interaction, private=private)
    data, name = await chosen.read()
    words = await chosen.words(data)
    async with desk.holding(desk.read_data(data, name)) as source:
        await _submit(
            desk,
            words,
            {**wish, "source": source.sha256},
            viewer=viewer,
            address=address,
            private=private,
            parent_id=None if chosen.drawn is None else chosen.drawn.id,
            source=source,
        )


async def _submit(desk: Desk, words: Mapping[str, Any], wish: Mapping[str, Any], **whence: Any) -> None:
    """As `desk.submit`; the `words` of a picture, which nobody typed, are left out where they may not be drawn."""
    asked = {**words, **wish}
    try:
        await desk.submit(Request(**asked), **whence)
    except (InvalidRequest, WordKeptOut):
        wordless = {**_NO_WORDS, **wish}
        if wordless == asked:
            raise
        await desk.submit(Request(**wordless), **whence, notes=(wording.WORDS_LEFT_OUT,))
