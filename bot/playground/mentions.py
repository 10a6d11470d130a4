"""Who a message mentions."""

from collections.abc import Container
from dataclasses import dataclass

from .drafts import Draft
from .messages import EVERYONE, ROLE_MENTION, USER_MENTION, Message


@dataclass(frozen=True, kw_only=True)
class Mentions:
    """The users, roles and everyone that a message notifies."""

    users: tuple[int, ...]
    roles: tuple[int, ...]
    everyone: bool


def read_mentions(
    draft: Draft, known: Container[int], *, target: Message | None, author_id: int, everyone_allowed: bool
) -> Mentions:
    """Mentions in the text that its allowed mentions let through, and the ping of a reply to `target`.

    A reply to an interaction's answer pings nobody, whatever is asked, since that answer has no author to ping.
    """
    allowed = draft.allowed_mentions
    if allowed is None:
        allowed = {"parse": ["users", "roles", "everyone"], "replied_user": True}
    parse = set(allowed.get("parse") or ())
    listed_users = {int(user) for user in allowed.get("users") or ()}
    listed_roles = {int(role) for role in allowed.get("roles") or ()}

    users = [int(found) for found in USER_MENTION.findall(draft.content)]
    users = [user for user in users if user in known and ("users" in parse or user in listed_users)]
    pinged = (
        target is not None
        and bool(allowed.get("replied_user"))
        and target.application_id is None
        and target.author_id != author_id
    )
    if target is not None and pinged:
        users.insert(0, target.author_id)
    roles = [int(found) for found in ROLE_MENTION.findall(draft.content)]
    roles = [role for role in roles if "roles" in parse or role in listed_roles]
    return Mentions(
        users=tuple(dict.fromkeys(users)),
        roles=tuple(dict.fromkeys(roles)),
        everyone=everyone_allowed and "everyone" in parse and EVERYONE.search(draft.content) is not None,
    )
