"""Where a request came from, and where its result goes."""

from dataclasses import dataclass, field

OPERATOR_ID = 0  # the operator in a shell; no member of Discord has this id


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """Who is asking, and where: `guild_id` is None in a direct message, both ids are None in a shell.

    `moderator` means Manage Server in that guild. `age_restricted`: Discord shows that channel to adults only.
    `resident`: Easel is a member of that guild, so that its rules hold; it may also have been brought along by the
    member. `within` are the channel and the category that the channel belongs to, `roles` the member's own there.
    """

    member_id: int
    guild_id: int | None = None
    channel_id: int | None = None
    moderator: bool = False
    age_restricted: bool = False
    resident: bool = False
    within: frozenset[int] = frozenset()
    roles: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a finished picture is taken.

    Through the interaction while its token lives (`interaction_expires_at`, seconds since the epoch), else to the
    channel, else to the member directly. `channel_id` is None where the bot itself may not post. A result that
    answers a message points to it with `reply_to_message_id`. An `ephemeral` one never goes to a channel.
    """

    channel_id: int | None = None
    application_id: int | None = None
    interaction_token: str | None = field(default=None, repr=False)
    interaction_expires_at: float | None = None
    reply_to_message_id: int | None = None
    waiting_message_id: int | None = None
    ephemeral: bool = False
