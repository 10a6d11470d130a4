"""The HTTP interface of the web page: what a browser needs to be one of the persons.

Every path begins with `/page`; P, C, M and I are ids of a person, a channel, a message and an interaction, as
decimal strings. Bodies and answers are JSON. A body with files is `multipart/form-data`: the JSON in a field named
`json`, each file in a field named as said below. Messages and commands have Discord's JSON shape. The page's own
files lie in the folder `page` beside this module: `index.html` is served at `/`, the others at `/NAME`.

    GET    /page/state             {bot: {id, name, online}, persons: [{id, name, username, moderator}]}
    GET    /page/P/channels        [{id, name, direct, guild, nsfw, may_write, bot_is_here, roles}]; guild: a name
                                   or null; roles: [{id, name}] of its server
    GET    /page/P/interactions/I  interaction
    GET    /page/P/events          text/event-stream, see below
    POST   /page/P/interactions/I/modal
           {values: {custom_id: text or [value] or true}}, uploads in file fields of that name -> interaction

Below /page/P/channels/C:

    GET    messages                ?before=M&limit=50 -> [message], oldest first
    GET    commands                [command] offered to P in C, slash (type 1) and message menu (type 3)
    POST   messages                {content, reply_to: M?, ping: true?}, files in fields of any name -> message
    DELETE messages/M              deletes an own message, or dismisses one that only P sees -> {}
    POST   slash                   {command: "seed save", options: {name: value}}, the file of an attachment option
                                   in a field of the option's name -> interaction
    POST   autocomplete            {command, options, focused}; the text typed so far is options[focused]
                                   -> {choices: [{name, value}]}
    POST   messages/M/press        {button: custom_id or label} -> interaction
    POST   messages/M/select       {select: custom_id, values: [value]} -> interaction
    POST   messages/M/menu         {name} of a command of type 3 -> interaction

A message has, besides Discord's fields, `ephemeral`, `loading` ("is thinking"), `mine`, `may_delete`, and
`author.name`, the name to show. `interaction_metadata.user` is who called for it. An attachment whose file name
begins with SPOILER_ is to be covered until it is clicked. Links expire after a day; a fresh message has new ones.

An interaction is {id, stage, kind, channel_id, message_id, modal}: `stage` is "waiting", "answered" or "failed"
(to be shown as: The application did not respond), `kind` 2 command, 3 component, 4 autocomplete, 5 modal. `modal`
is what the bot opened (title, custom_id, components) or null, `message_id` the answer's message or null. The
options of a command have their JSON type; users, channels and roles (types 6 to 9) are given by id.

Events, each with JSON data: `message` and `message_edit` (a message), `message_delete` {id, channel_id},
`reaction` (a message), `interaction` (an interaction of P), `commands` {} (ask again), `typing` {channel_id},
`bot` {online}.

What the app would not let a person do is answered with 422 {error}, in words to be shown. An unknown person,
channel or interaction is 404. Only this machine's names are accepted as Host, and as Origin where a browser sends
one.
"""

import contextlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import BodyPartReader, web

from .errors import ApiError, NotAnswered, NotPossible
from .files import Upload
from .gateway import Gateway
from .guilds import MIB, ChannelKind, Permission
from .interaction import Interaction
from .messages import Message
from .person import Person, Scene
from .views import Views

Json = dict[str, Any]

FILES = Path(__file__).parent / "page"
PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    # No other site may show the page inside its own and have it clicked unseen.
    "X-Frame-Options": "DENY",
}
MOST_BYTES = 128 * MIB
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Page:
    """Routes of the page, all of them acts and views of a Person."""

    def __init__(self, scene: Scene, gateway: Gateway) -> None:
        self._scene = scene
        self._gateway = gateway
        self._views = Views(scene, gateway)

    def add_to(self, app: web.Application) -> None:
        page = web.Application(middlewares=[_guarded], client_max_size=0)
        there = "/{person:[0-9]+}/channels/{channel:[0-9]+}"
        message = there + "/messages/{message:[0-9]+}"
        page.add_routes(
            [
                web.get("/state", self._state),
                web.get("/{person:[0-9]+}/channels", self._channels),
                web.get("/{person:[0-9]+}/events", self._events),
                web.get("/{person:[0-9]+}/interactions/{interaction:[0-9]+}", self._interaction),
                web.post("/{person:[0-9]+}/interactions/{interaction:[0-9]+}/modal", self._submit),
                web.get(there + "/messages", self._messages),
                web.post(there + "/messages", self._send),
                web.get(there + "/commands", self._commands),
                web.post(there + "/slash", self._slash),
                web.post(there + "/autocomplete", self._autocomplete),
                web.delete(message, self._delete),
                web.post(message + "/press", self._press),
                web.post(message + "/select", self._select),
                web.post(message + "/menu", self._menu),
            ]
        )
        app.add_subapp("/page", page)
        app.router.add_get("/{name:[A-Za-z0-9_.-]*}", self._file)

    def close(self) -> None:
        """End every event stream."""
        self._views.close()

    # Views

    async def _file(self, request: web.Request) -> web.StreamResponse:
        _refuse_foreign(request)
        path = FILES / (request.match_info["name"] or "index.html")
        if path.parent != FILES or not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers=PAGE_HEADERS)

    async def _state(self, _request: web.Request) -> web.Response:
        world = self._scene.world
        bot = world.application.user
        with_bot = [guild for guild in world.guilds.values() if bot.id in guild.members]
        persons = []
        for user in world.users.values():
            moderates = any(Permission.MANAGE_GUILD in guild.permissions_of(user.id) for guild in with_bot)
            if not user.bot and any(user.id in guild.members for guild in world.guilds.values()):
                persons.append(
                    {
                        "id": str(user.id),
                        "name": user.display_name,
                        "username": user.username,
                        "moderator": moderates,
                    }
                )
        shown = {"id": str(bot.id), "name": bot.display_name, "online": self._gateway.online}
        return web.json_response({"bot": shown, "persons": persons})

    async def _channels(self, request: web.Request) -> web.Response:
        world = self._scene.world
        user_id = int(request.match_info["person"])
        if user_id not in world.users:
            raise web.HTTPNotFound
        world.direct_channel(user_id)
        listed = []
        for channel in world.channels.values():
            held = world.permissions(user_id, channel)
            if Permission.VIEW_CHANNEL not in held:
                continue
            guild = world.guild_of(channel)
            direct = channel.kind is ChannelKind.DIRECT
            listed.append(
                {
                    "id": str(channel.id),
                    "name": world.application.user.display_name if direct else channel.name,
                    "direct": direct,
                    "guild": None if guild is None else guild.name,
                    "nsfw": channel.nsfw,
                    "may_write": Permission.SEND_MESSAGES in held,
                    "bot_is_here": Permission.VIEW_CHANNEL in world.permissions(world.bot_id, channel),
                    "roles": []
                    if guild is None
                    else [{"id": str(each.id), "name": each.name} for each in guild.roles],
                }
            )
        return web.json_response(listed)

    async def _messages(self, request: web.Request) -> web.Response:
        person = self._person(request)
        before = _number(request, "before", 2**63)
        limit = min(max(_number(request, "limit", 50), 1), 200)
        seen = [message for message in person.see() if message.id < before]
        return web.json_response([self._views.message(message, person.user.id) for message in seen[-limit:]])

    async def _commands(self, request: web.Request) -> web.Response:
        return web.json_response(self._person(request).offered())

    async def _interaction(self, request: web.Request) -> web.Response:
        return web.json_response(self._views.interaction(self._own(request)))

    # Acts

    async def _send(self, request: web.Request) -> web.Response:
        person = self._person(request)
        body, files = await _read(request)
        answered = body.get("reply_to")
        reply_to = None if answered is None else self._seen(person, str(answered))
        message = person.send(
            str(body.get("content") or ""),
            files=[file for several in files.values() for file in several],
            reply_to=reply_to,
            ping=body.get("ping") is not False,
        )
        return web.json_response(self._views.message(message, person.user.id))

    async def _delete(self, request: web.Request) -> web.Response:
        person = self._person(request)
        person.delete(self._target(request, person))
        return web.json_response({})

    async def _slash(self, request: web.Request) -> web.Response:
        person = self._person(request)
        body, files = await _read(request)
        options = {**(body.get("options") or {}), **{name: several[0] for name, several in files.items()}}
        return web.json_response(self._views.interaction(person.slash(_text(body, "command"), **options)))

    async def _autocomplete(self, request: web.Request) -> web.Response:
        person = self._person(request)
        body, _ = await _read(request)
        asked = person.autocomplete(_text(body, "command"), body.get("options") or {}, _text(body, "focused"))
        await person.acknowledged(asked)
        return web.json_response({"choices": asked.choices or []})

    async def _press(self, request: web.Request) -> web.Response:
        person = self._person(request)
        body, _ = await _read(request)
        return web.json_response(
            self._views.interaction(person.press(self._target(request, person), _text(body, "button")))
        )

    async def _select(self, request: web.Request) -> web.Response:
        person = self._person(request)
        body, _ = await _read(request)
        values = [str(value) for value in body.get("values") or ()]
        return web.json_response(
            self._views.interaction(person.select(self._target(request, person), _text(body, "select"), values))
        )

    async def _menu(self, request: web.Request) -> web.Response:
        person = self._person(request)
        body, _ = await _read(request)
        return web.json_response(
            self._views.interaction(person.context_menu(self._target(request, person), _text(body, "name")))
        )

    async def _submit(self, request: web.Request) -> web.Response:
        opened = self._own(request)
        person = Person(scene=self._scene, user=self._scene.world.users[opened.user_id], channel=opened.channel)
        body, files = await _read(request)
        return web.json_response(
            self._views.interaction(person.submit_modal(opened, {**(body.get("values") or {}), **files}))
        )

    # The event stream

    async def _events(self, request: web.Request) -> web.StreamResponse:
        user_id = int(request.match_info["person"])
        if user_id not in self._scene.world.users:
            raise web.HTTPNotFound
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await answer.prepare(request)
        # A browser that goes away ends its stream by a failed write.
        with contextlib.suppress(ConnectionError):
            async with contextlib.aclosing(self._views.events(user_id)) as events:
                async for event in events:
                    await answer.write(event)
        return answer

    # What a request means

    def _person(self, request: web.Request) -> Person:
        world = self._scene.world
        user = world.users.get(int(request.match_info["person"]))
        channel = world.channels.get(int(request.match_info["channel"]))
        if user is None or user.bot or channel is None:
            raise web.HTTPNotFound
        if Permission.VIEW_CHANNEL not in world.permissions(user.id, channel):
            raise web.HTTPNotFound
        return Person(scene=self._scene, user=user, channel=channel)

    def _own(self, request: web.Request) -> Interaction:
        interaction = self._scene.interactions.get(int(request.match_info["interaction"]))
        if interaction is None or interaction.user_id != int(request.match_info["person"]):
            raise web.HTTPNotFound
        return interaction

    def _target(self, request: web.Request, person: Person) -> Message:
        return self._seen(person, request.match_info["message"])

    def _seen(self, person: Person, message_id: str) -> Message:
        for message in person.see():
            if str(message.id) == message_id:
                return message
        raise NotPossible("the message is gone, or not to be seen")


def _number(request: web.Request, name: str, default: int) -> int:
    given = request.query.get(name)
    if given is not None and not given.isdecimal():
        raise NotPossible(f"{name} must be a whole number, not {given!r}")
    return default if given is None else int(given)


def _text(body: Json, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise NotPossible(f"{name} must be text")
    return value


async def _read(request: web.Request) -> tuple[Json, dict[str, list[Upload]]]:
    """The JSON of a request, and its files by field."""
    files: dict[str, list[Upload]] = {}
    if request.content_length is not None and request.content_length > MOST_BYTES:
        raise NotPossible(f"a request may have at most {MOST_BYTES} bytes, not {request.content_length}")
    raw: bytes | bytearray = b"{}"
    if request.content_type == "multipart/form-data":
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                raise NotPossible("a form inside a form cannot be read")
            data = await part.read()
            if part.name == "json":
                raw = data
            elif part.filename is not None:
                upload = Upload(filename=part.filename, data=bytes(data))
                files.setdefault(part.name or "", []).append(upload)
    elif request.can_read_body:
        raw = await request.content.read()
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise NotPossible("the request holds no JSON") from error
    if not isinstance(body, dict):
        raise NotPossible("the request must hold a JSON object")
    return body, files


def _refuse_foreign(request: web.Request) -> None:
    """403 for a foreign Host (a name that was made to point here) and a foreign Origin (another site's page)."""
    if urlsplit(f"//{request.host}").hostname not in LOOPBACK:
        raise web.HTTPForbidden(text="This page is for this machine only.")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        raise web.HTTPForbidden(text="Another site may not act here.")


@web.middleware
async def _guarded(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Nothing for strangers; what is not possible is told in words."""
    _refuse_foreign(request)
    try:
        return await handler(request)
    except (NotPossible, NotAnswered, ApiError, TimeoutError) as error:
        return web.json_response({"error": str(error)}, status=422)
