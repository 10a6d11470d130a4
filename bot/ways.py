"""The ways by which a result reaches its member, in their order.

An ordinary message in the channel, so that replying to it reaches the bot; the interaction, by changing its
waiting message into the result; a direct message; and `/history`, where it waits. What is for one member's eyes
never takes the first.

An ordinary or direct message is there once: its nonce keeps a repeated one away for minutes, and later, or after a
start, it is looked for (`looked_for`). What can be there twice all the same:

- an ordinary message whose answer was lost, where the bot may not read the channel or more than 500 others follow;
- what a change of the waiting message made of it, where that answer was lost and the token expired before the next
  try, or Easel ended just then: it comes once more directly;
- a sentence with no button that would bear its key;
- a follow-up through the interaction, which only a deleted waiting message leads to: it bears no nonce, so it is
  there again where its answer was lost, or Easel ended just after it.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

import discord

from bot.ledger import Route
from bot.parcel import Parcel
from bot.place import Address
from bot.post import Post
from bot.views import View

Way = tuple[Route, Callable[[], Awaitable[int]]]  # goes it, and returns the message's id


@dataclass(frozen=True, kw_only=True)
class Addressee:
    """Whose a result is and where it goes; `key` is its id, which its message bears as well.

    The `notes` are told with it.
    """

    key: str
    member_id: int
    address: Address
    notes: tuple[str, ...] = ()


def looked_for(to: Addressee, post: Post) -> Iterator[Way]:
    """The ways of what was sent before and may have arrived: finding it there."""
    channel_id, waiting = to.address.channel_id, to.address.waiting_message_id
    if channel_id is not None and not to.address.ephemeral:
        yield Route.CHANNEL, lambda: post.find(channel_id, key=to.key, after=waiting)
    yield Route.DIRECT, lambda: post.find_directly(to.member_id, key=to.key, after=waiting)


def picture_ways(to: Addressee, post: Post, parcel: Parcel, view: Callable[[], View]) -> Iterator[Way]:
    """The ways of finished pictures. Each makes its own view: a view belongs to one message."""
    key, member_id, address, text, files = to.key, to.member_id, to.address, parcel.text, parcel.files
    channel_id = address.channel_id
    if channel_id is not None and not address.ephemeral:
        yield (
            Route.CHANNEL,
            lambda: post.send_to_channel(
                channel_id, key=key, content=text, view=view(), files=files, reply_to=address.reply_to_message_id
            ),
        )
    yield (
        Route.INTERACTION,
        lambda: post.edit_waiting(address, content=text, view=view(), files=files, channel_too=False),
    )
    if not address.ephemeral:
        yield Route.INTERACTION, lambda: post.follow_up(address, content=text, view=view(), files=files)
    if not parcel.confined:
        yield (
            Route.DIRECT,
            lambda: post.send_directly(member_id, key=key, content=text, view=view(), files=files),
        )


def sentence_ways(
    to: Addressee, post: Post, text: str, view: Callable[[], View], *, embeds: Sequence[discord.Embed] = ()
) -> Iterator[Way]:
    """The ways of what has no files: at first its waiting message becomes it."""
    key, member_id, address = to.key, to.member_id, to.address
    channel_id = address.channel_id
    yield (
        Route.CHANNEL if address.interaction_token is None else Route.INTERACTION,
        lambda: post.edit_waiting(address, content=text, view=view(), embeds=embeds),
    )
    if channel_id is not None and not address.ephemeral:
        yield (
            Route.CHANNEL,
            lambda: post.send_to_channel(
                channel_id,
                key=key,
                content=text,
                view=view(),
                embeds=embeds,
                reply_to=address.reply_to_message_id,
            ),
        )
    yield Route.DIRECT, lambda: post.send_directly(member_id, key=key, content=text, view=view(), embeds=embeds)
