"""What a picture that was put into words is handed over as: the words, or the sentence on why there are none."""

from collections.abc import Iterator

import discord

from bot import wording
from bot.errors import NotDescribed
from bot.post import Post
from bot.studio import Studio
from bot.views import View, words_view
from bot.ways import Addressee, Way, sentence_ways


class Descriptions:
    """Descriptions by the ids of their looks, for Delivery. Nothing tells how far one is."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def addressee(self, key: str) -> Addressee:
        """Whose it is and where it goes. Raises NotFound, also once it was delivered."""
        described = await self._studio.description(key)
        return Addressee(key=key, member_id=described.member_id, address=described.address)

    async def silence(self, key: str) -> None:
        """Nothing was told."""

    async def ways(self, to: Addressee, post: Post) -> Iterator[Way]:
        """The ways that it can go. Raises NotFound."""
        described = await self._studio.description(to.key)
        prompts = described.prompts
        if described.reason is not None:
            refusal = wording.notice(NotDescribed(described.reason, described.detail))
            return sentence_ways(to, post, refusal, lambda: View(timeout=None))
        embed = discord.Embed(description=wording.seen(prompts), colour=wording.COLOUR)
        return sentence_ways(
            to,
            post,
            wording.SEEN,
            lambda: words_view(to.key, prompts, private=described.private),
            embeds=[embed],
        )
