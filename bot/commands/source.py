"""What the modal of Use as source was answered with."""

from discord.ext import commands

from bot.acknowledge import refuse
from bot.commands.options import Interaction, given
from bot.content import Showing
from bot.desk import Desk, viewer_of
from bot.errors import NotFound
from bot.history import Generation, Picture
from bot.pick import picture_of
from bot.place import Viewer
from bot.views import SourceWish, read_source_wish, read_strength
from generation import Request


class UseAsSource(commands.Cog):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        wish = read_source_wish(interaction)
        if wish is None:
            return
        try:
            await self._draw(interaction, wish)
        except Exception as error:  # noqa: BLE001  (discord.py would only log it, and the member wait in vain)
            await refuse(interaction, error)

    async def _draw(self, interaction: Interaction, wish: SourceWish) -> None:
        viewer = viewer_of(interaction)
        parent = await self._desk.history.recall(wish.generation_id, viewer)
        address = await self._desk.think(interaction, private=parent.private)
        picture = self._picture(parent, wish.number, viewer)
        strength = read_strength(wish.strength)
        model = self._desk.studio.kept_model(parent.recipe, None)
        async with self._desk.holding(self._desk.read_drawn(picture)) as source:
            request = Request(prompt=wish.prompt, source=source.sha256, **given(strength=strength, model=model))
            await self._desk.submit(
                request,
                viewer=viewer,
                address=address,
                private=parent.private,
                parent_id=parent.id,
                source=source,
            )

    def _picture(self, generation: Generation, number: int, viewer: Viewer) -> Picture:
        """The picture `number`. Raises NotFound where it is none, gone, or not to be shown in this place."""
        picture = picture_of(generation, number)
        showing = Showing.of_flagged(self._desk.studio.content_filter, age_restricted=viewer.age_restricted)
        if picture.flagged and showing is Showing.WITHHELD:
            raise NotFound("picture", f"{generation.id}-{number}")
        return picture
