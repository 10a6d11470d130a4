"""What Describe answers with: what a picture was drawn from, else what is seen in it, and buttons to draw that."""

from typing import Any

import discord

from bot import wording
from bot.acknowledge import whisper
from bot.attachments import look
from bot.desk import desk_of, viewer_of
from bot.errors import NotFound
from bot.further import Chosen
from bot.pick import Pick
from bot.views.buttons import LastingItem, RerollButton, View
from bot.views.offer import OfferButton, copy_of, is_whole
from bot.wording import labels
from generation import Request


class WordsButton(LastingItem[discord.ui.Button[View]], template=r"easel:words:(?P<number>[1-9])(?P<private>p?)"):
    """Draws the prompt of that number in its own message; what comes of a private picture stays private."""

    def __init__(self, number: str, private: str, *, label: str = labels.DRAW) -> None:
        super().__init__(discord.ui.Button(label=label, custom_id=f"easel:words:{number}{private}"))
        self._number = int(number)
        self._private = bool(private)

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        embeds = [] if interaction.message is None else interaction.message.embeds
        prompt = wording.seen_in(embeds[0].description or "", self._number) if embeds else None
        if prompt is None:
            raise NotFound("prompt", str(self._number))
        desk, viewer = desk_of(interaction), viewer_of(interaction)
        private = self._private or await desk.is_private(viewer)
        address = await desk.think(interaction, private=private)
        await desk.submit(Request(prompt=prompt), viewer=viewer, address=address, private=private)


async def describe(interaction: discord.Interaction[Any], chosen: Chosen) -> None:
    """Tell what a picture was drawn from, else what it shows, and offer to draw that.

    Raises BadPicture, NotFound, NotAllowed for a flagged one, and as `Studio.describe` does.
    """
    data, name = await chosen.read()
    image = await look(data, name=name)
    prompt = str((await chosen.words(data))["prompt"])
    view, files = View(timeout=None), []
    if not prompt.strip():
        prompts = await desk_of(interaction).studio.describe(image.png, viewer_of(interaction))
        for number in range(1, len(prompts) + 1):
            label = labels.DRAW if len(prompts) == 1 else labels.draw(number)
            view.add_item(WordsButton(str(number), "p" if chosen.private else "", label=label))
        embed = discord.Embed(description=wording.seen(prompts), colour=wording.COLOUR)
        await whisper(interaction, wording.SEEN, embeds=[embed], view=view)
        return
    if chosen.drawn is not None:
        pick = Pick(generation_id=chosen.drawn.id, number=chosen.number)
        view.add_item(RerollButton(str(pick), label=labels.DRAW))
    elif is_whole(data):
        view.add_item(OfferButton("again", label=labels.DRAW))
        files.append(await copy_of(chosen, data, name, image))  # the button reads what stands in it
    await whisper(interaction, wording.described(prompt), files=files, view=view)
