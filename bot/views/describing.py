"""What Describe answers with: what a picture was drawn from, and buttons to draw that or what is seen in it."""

from collections.abc import Sequence
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
from bot.views.offer import OfferButton, copy_of, is_covered, is_whole
from bot.wording import labels
from generation import Request


class WordsButton(
    LastingItem[discord.ui.Button[View]],
    template=r"easel:words:(?P<number>[1-9])(?P<private>p?):(?P<look>[0-9a-f]+)",
):
    """Draws the prompt of that number in its own message; what comes of a private picture stays private.

    By the id of its `look` the message is known again.
    """

    def __init__(self, number: str, private: str, look: str, *, label: str = labels.DRAW) -> None:
        super().__init__(discord.ui.Button(label=label, custom_id=f"easel:words:{number}{private}:{look}"))
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


def words_view(look_id: str, prompts: Sequence[str], *, private: bool) -> View:
    """A Draw button for each of the prompts."""
    view = View(timeout=None)
    for number in range(1, len(prompts) + 1):
        label = labels.DRAW if len(prompts) == 1 else labels.draw(number)
        view.add_item(WordsButton(str(number), "p" if private else "", look_id, label=label))
    return view


async def describe(interaction: discord.Interaction[Any], chosen: Chosen) -> None:
    """Tell what a picture was drawn from, with a button that draws it, else have it put into words.

    The answer is for the member alone. Raises BadPicture, NotFound, NotAllowed for a flagged one, and what
    `Studio.describe` raises.
    """
    desk = desk_of(interaction)
    address = await desk.think(interaction, private=True)
    data, name = await chosen.read()
    image = await look(data, name=name)
    prompt = str((await chosen.words(data))["prompt"])
    if not prompt.strip():
        viewer = viewer_of(interaction)
        await desk.studio.describe(image.png, viewer=viewer, address=address, private=chosen.private)
        return
    view, files = View(timeout=None), []
    if chosen.drawn is not None:
        pick = Pick(generation_id=chosen.drawn.id, number=chosen.number)
        view.add_item(RerollButton(str(pick), label=labels.DRAW))
    elif is_whole(data):
        view.add_item(OfferButton("again", label=labels.DRAW))
        # The button reads what stands in it.
        files.append(await copy_of(chosen, data, name, image, covered=is_covered(interaction, chosen)))
    await whisper(interaction, wording.described(prompt), files=files, view=view)
