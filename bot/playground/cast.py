"""Who and what is there when a playground opens.

The ids never change, so that a bot's records of members and channels stay right when it is opened again.
"""

from dataclasses import replace

from .guilds import (
    NOTHING,
    ORDINARY,
    Channel,
    ChannelKind,
    Guild,
    Member,
    Overwrite,
    Permission,
    Role,
    User,
)
from .world import Application, World

FIRST_ID = 1_100_000_000_000_000_000
APPLICATION_ID = FIRST_ID + 1
STUDIO_ID = FIRST_ID + 10
ELSEWHERE_ID = FIRST_ID + 20
MODERATOR_ROLE_ID = FIRST_ID + 11
BOT_ROLE_ID = FIRST_ID + 12
ARTIST_ROLE_ID = FIRST_ID + 13

BOT = User(id=APPLICATION_ID, username="Easel", bot=True)
ADA = User(id=FIRST_ID + 101, username="ada", global_name="Ada", avatar="a" * 32, installed=True)
GRACE = User(id=FIRST_ID + 102, username="grace", global_name="Grace", avatar="b" * 32)
LINUS = User(id=FIRST_ID + 103, username="linus")
MINOR = User(id=FIRST_ID + 104, username="mina", global_name="Mina", adult=False, accepts_direct_messages=False)

BOT_PERMISSIONS = ORDINARY | Permission.MANAGE_MESSAGES

GENERAL = "general"
SKETCHES = "sketches"
NOTICES = "notices"
BACK_ROOM = "back-room"
AFTER_DARK = "after-dark"
LOUNGE = "lounge"


def found(world: World) -> None:
    """Fill an empty world: a server with the bot, one without it, and four persons."""
    for user in (ADA, GRACE, LINUS, MINOR):
        world.users[user.id] = user
    studio = Guild(
        id=STUDIO_ID,
        name="The Studio",
        owner_id=FIRST_ID + 100,
        roles=(
            Role(id=STUDIO_ID, name="@everyone", permissions=ORDINARY, position=0),
            Role(
                id=MODERATOR_ROLE_ID,
                name="Moderators",
                permissions=Permission.MANAGE_GUILD | Permission.MANAGE_MESSAGES | Permission.MENTION_EVERYONE,
                position=2,
            ),
            Role(id=BOT_ROLE_ID, name="Easel", permissions=BOT_PERMISSIONS),
            Role(id=ARTIST_ROLE_ID, name="Artists", permissions=NOTHING),
        ),
        members={
            BOT.id: Member(user_id=BOT.id, roles=(BOT_ROLE_ID,)),
            ADA.id: Member(user_id=ADA.id, roles=(ARTIST_ROLE_ID,)),
            GRACE.id: Member(user_id=GRACE.id, roles=(MODERATOR_ROLE_ID,)),
            LINUS.id: Member(user_id=LINUS.id, nick="Lin"),
            MINOR.id: Member(user_id=MINOR.id),
        },
    )
    elsewhere = Guild(
        id=ELSEWHERE_ID,
        name="Elsewhere",
        owner_id=LINUS.id,
        roles=(Role(id=ELSEWHERE_ID, name="@everyone", permissions=ORDINARY, position=0),),
        members={user.id: Member(user_id=user.id) for user in (ADA, LINUS)},
    )
    world.guilds = {studio.id: studio, elsewhere.id: elsewhere}
    # The owner is nobody who is played, so that every person's permissions come from roles.
    world.users[studio.owner_id] = User(id=studio.owner_id, username="owner")
    read_only = Overwrite(target_id=BOT.id, is_role=False, deny=Permission.SEND_MESSAGES)
    hidden = Overwrite(target_id=BOT.id, is_role=False, deny=Permission.VIEW_CHANNEL)
    channels = (
        _text(FIRST_ID + 31, GENERAL, studio, 0),
        _text(FIRST_ID + 32, SKETCHES, studio, 1),
        replace(_text(FIRST_ID + 33, NOTICES, studio, 2), overwrites=(read_only,)),
        replace(_text(FIRST_ID + 34, BACK_ROOM, studio, 3), overwrites=(hidden,)),
        replace(_text(FIRST_ID + 35, AFTER_DARK, studio, 4), nsfw=True),
        _text(FIRST_ID + 41, LOUNGE, elsewhere, 0),
    )
    world.channels = {channel.id: channel for channel in channels}


def application(token: str, *, message_content: bool = False, guild_members: bool = False) -> Application:
    return Application(
        id=APPLICATION_ID,
        user=BOT,
        owner_id=FIRST_ID + 100,
        token=token,
        message_content=message_content,
        guild_members=guild_members,
    )


def _text(channel_id: int, name: str, guild: Guild, position: int) -> Channel:
    return Channel(id=channel_id, kind=ChannelKind.TEXT, name=name, guild_id=guild.id, position=position)
