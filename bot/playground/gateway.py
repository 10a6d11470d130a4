"""The gateway: Discord's websocket, version 10, as discord.py speaks it."""

import asyncio
import contextlib
import json
from dataclasses import replace
from typing import Any

from aiohttp import WSMsgType, web

from .changes import Change, ChangeKind
from .guilds import Permission
from .messages import Message
from .rendering import Rendering
from .sessions import EVERY_INTENT, CloseCode, Intent, Opcode, Session, Wire, supported_compressions
from .world import World

Json = dict[str, Any]

HEARTBEAT_MS = 41_250
FRAME_BYTES = 4096
KEPT_SESSIONS = 64

_REACTION_EVENTS = {False: "MESSAGE_REACTION_ADD", True: "MESSAGE_REACTION_REMOVE"}
_MESSAGE_EVENTS = {
    ChangeKind.MESSAGE: "MESSAGE_CREATE",
    ChangeKind.MESSAGE_EDIT: "MESSAGE_UPDATE",
}


def gateway_url(origin: str) -> str:
    return f"{origin.replace('http', 'ws', 1)}/gateway/"


class Gateway:
    """Serves websockets, keeps their sessions, and dispatches changes of the world to those who may see them."""

    def __init__(self, world: World, rendering: Rendering, *, heartbeat_ms: int = HEARTBEAT_MS) -> None:
        self._world = world
        self._rendering = rendering
        self._heartbeat_ms = heartbeat_ms
        self._sessions: dict[str, Session] = {}
        self._sockets: dict[web.WebSocketResponse, Session | None] = {}
        self.identified = 0
        self.resumed = 0
        self._stop = world.changes.listen(self._on_change)

    @property
    def online(self) -> bool:
        """Whether a bot is connected and identified."""
        return any(session is not None for session in self._sockets.values())

    # What tests can do to a bot

    def ask_to_reconnect(self) -> None:
        """Send RECONNECT to everyone."""
        for session in self._sessions.values():
            if session.line is not None:
                session.line.put_nowait({"op": int(Opcode.RECONNECT), "d": None})

    async def drop(self, *, resumable: bool = True, code: int = CloseCode.UNKNOWN_ERROR) -> None:
        """Hang up on everyone; when not `resumable` the sessions are forgotten too."""
        if not resumable:
            self._sessions.clear()
        for socket in tuple(self._sockets):
            await socket.close(code=code)

    def delete_role(self, guild_id: int, role_id: int) -> None:
        """Have the moderators of a server delete one of its roles."""
        guild = self._world.guilds[guild_id]
        members = {
            user_id: replace(member, roles=tuple(role for role in member.roles if role != role_id))
            for user_id, member in guild.members.items()
        }
        roles = tuple(role for role in guild.roles if role.id != role_id)
        self._world.guilds[guild_id] = replace(guild, roles=roles, members=members)
        for session in self._sessions.values():
            if session.serves(guild_id):
                session.dispatch("GUILD_ROLE_DELETE", {"guild_id": str(guild_id), "role_id": str(role_id)})

    async def close(self) -> None:
        self._stop()
        for socket in tuple(self._sockets):
            await socket.close(code=1001)

    # Dispatching

    def interaction(self, payload: Json, guild_id: int | None) -> None:
        """Tell the bot of an interaction; in servers without the bot it comes to shard 0."""
        guild = None if guild_id is None else self._world.guilds[guild_id]
        home = guild.id if guild is not None and self._world.bot_id in guild.members else None
        for session in self._sessions.values():
            if session.serves(home):
                session.dispatch("INTERACTION_CREATE", payload)

    def _on_change(self, change: Change) -> None:
        message = change.message
        if message is None or message.only_for is not None:
            return
        for session in self._sessions.values():
            if self._hears(session, message, reaction=change.kind is ChangeKind.REACTION):
                self._dispatch_change(session, change, message)

    def _dispatch_change(self, session: Session, change: Change, message: Message) -> None:
        place = {"channel_id": str(message.channel_id)}
        if message.guild_id is not None:
            place["guild_id"] = str(message.guild_id)
        if change.kind in _MESSAGE_EVENTS:
            session.dispatch(_MESSAGE_EVENTS[change.kind], self._rendering.dispatched(message))
        elif change.kind is ChangeKind.MESSAGE_DELETE:
            session.dispatch("MESSAGE_DELETE", {"id": str(message.id), **place})
        elif change.kind is ChangeKind.REACTION:
            data = {
                **place,
                "user_id": str(change.user_id),
                "message_id": str(message.id),
                "emoji": {"id": None, "name": change.emoji},
                "burst": False,
                "type": 0,
            }
            session.dispatch(_REACTION_EVENTS[change.removed], data)

    def _hears(self, session: Session, message: Message, *, reaction: bool) -> bool:
        if not session.serves(message.guild_id):
            return False
        if message.guild_id is None:
            needed = Intent.DIRECT_MESSAGE_REACTIONS if reaction else Intent.DIRECT_MESSAGES
            return needed in session.intents
        needed = Intent.GUILD_MESSAGE_REACTIONS if reaction else Intent.GUILD_MESSAGES
        held = self._world.permissions(self._world.bot_id, self._world.channel(message.channel_id))
        return needed in session.intents and Permission.VIEW_CHANNEL in held

    # One connection

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """The websocket's whole life."""
        socket = web.WebSocketResponse(max_msg_size=FRAME_BYTES, autoping=True)
        await socket.prepare(request)
        compression = request.query.get("compress")
        if request.query.get("v", "10") != "10":
            await socket.close(code=CloseCode.INVALID_VERSION)
            return socket
        if compression is not None and compression not in supported_compressions():
            await socket.close(code=CloseCode.DECODE_ERROR)
            return socket
        self._sockets[socket] = None
        line: asyncio.Queue[Json | None] = asyncio.Queue()
        writer = asyncio.create_task(_write(socket, line, Wire(compression)), name="gateway-writer")
        line.put_nowait({"op": int(Opcode.HELLO), "d": {"heartbeat_interval": self._heartbeat_ms}})
        try:
            code = await self._converse(socket, line)
        finally:
            session = self._sockets.pop(socket)
            if session is not None and session.line is line:
                session.line = None
            line.put_nowait(None)
            await writer
            self._world.changes.tell(Change(kind=ChangeKind.BOT))
        await socket.close(code=code)
        return socket

    async def _converse(self, socket: web.WebSocketResponse, line: "asyncio.Queue[Json | None]") -> int:
        """Answer frames until the connection ends or must end; returns the code to close it with."""
        silence_s = self._heartbeat_ms / 1000 * 1.5
        while True:
            try:
                received = await socket.receive(timeout=silence_s)
            except TimeoutError:
                return CloseCode.SESSION_TIMED_OUT
            if received.type is not WSMsgType.TEXT:
                return 1000 if received.type in {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED} else 4002
            try:
                frame = json.loads(received.data)
                opcode, data = Opcode(frame["op"]), frame.get("d")
            except (json.JSONDecodeError, KeyError, TypeError):
                return CloseCode.DECODE_ERROR
            except ValueError:
                return CloseCode.UNKNOWN_OPCODE
            code = self._answer(socket, line, opcode, data)
            if code is not None:
                return code

    def _answer(
        self, socket: web.WebSocketResponse, line: "asyncio.Queue[Json | None]", opcode: Opcode, data: Any
    ) -> int | None:
        """Carry out one frame; a code means that the connection has to end with it."""
        session = self._sockets[socket]
        if opcode is Opcode.HEARTBEAT:
            line.put_nowait({"op": int(Opcode.HEARTBEAT_ACK)})
            return None
        if opcode in {Opcode.IDENTIFY, Opcode.RESUME}:
            if session is not None:
                return CloseCode.ALREADY_AUTHENTICATED
            if not isinstance(data, dict):
                return CloseCode.DECODE_ERROR
            start = self._identify if opcode is Opcode.IDENTIFY else self._resume
            return start(socket, line, data)
        if session is None:
            return CloseCode.NOT_AUTHENTICATED
        if opcode is Opcode.REQUEST_MEMBERS:
            self._send_members(session, data)
        return None

    def _identify(
        self, socket: web.WebSocketResponse, line: "asyncio.Queue[Json | None]", data: Json
    ) -> int | None:
        if data.get("token") != self._world.application.token:
            return CloseCode.AUTHENTICATION_FAILED
        asked = data.get("intents")
        if not isinstance(asked, int) or asked & ~EVERY_INTENT:
            return CloseCode.INVALID_INTENTS
        intents = Intent(asked)
        application = self._world.application
        privileged = (
            (Intent.MESSAGE_CONTENT, application.message_content),
            (Intent.GUILD_MEMBERS, application.guild_members),
            (Intent.GUILD_PRESENCES, application.presences),
        )
        if any(intent in intents and not switched_on for intent, switched_on in privileged):
            return CloseCode.DISALLOWED_INTENTS
        shard = tuple(data.get("shard") or (0, 1))
        if len(shard) != 2 or not 0 <= shard[0] < shard[1]:
            return CloseCode.INVALID_SHARD
        session = Session(intents=intents, shard=shard, line=line)
        self._sessions[session.id] = session
        while len(self._sessions) > KEPT_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        self._sockets[socket] = session
        self.identified += 1
        self._greet(session, shard=data.get("shard"))
        self._world.changes.tell(Change(kind=ChangeKind.BOT))
        return None

    def _greet(self, session: Session, *, shard: list[int] | None) -> None:
        world = self._world
        guilds = [
            guild for guild in world.guilds.values() if world.bot_id in guild.members and session.serves(guild.id)
        ]
        ready: Json = {
            "v": 10,
            "user": {**world.application.user.payload(), "verified": True, "mfa_enabled": True, "email": None},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "resume_gateway_url": gateway_url(world.files.origin),
            "application": {"id": str(world.application.id), "flags": self._rendering.application_flags()},
            "private_channels": [],
            "relationships": [],
            "presences": [],
            "user_settings": {},
            "session_type": "normal",
            "geo_ordered_rtc_regions": [],
            "guild_join_requests": [],
        }
        if shard is not None:
            ready["shard"] = shard
        session.dispatch("READY", ready)
        if Intent.GUILDS in session.intents:
            for guild in guilds:
                session.dispatch("GUILD_CREATE", self._rendering.guild_create(guild))

    def _resume(self, socket: web.WebSocketResponse, line: "asyncio.Queue[Json | None]", data: Json) -> int | None:
        if data.get("token") != self._world.application.token:
            return CloseCode.AUTHENTICATION_FAILED
        session = self._sessions.get(str(data.get("session_id")))
        sequence = data.get("seq")
        missed = session.missed_since(sequence) if session is not None and isinstance(sequence, int) else None
        if session is None or missed is None:
            line.put_nowait({"op": int(Opcode.INVALID_SESSION), "d": False})
            return None
        session.line = line
        self._sockets[socket] = session
        self.resumed += 1
        for frame in missed:
            line.put_nowait(frame)
        session.dispatch("RESUMED", {})
        self._world.changes.tell(Change(kind=ChangeKind.BOT))
        return None

    def _send_members(self, session: Session, data: Any) -> None:
        world = self._world
        guild = world.guilds.get(int(data.get("guild_id") or 0))
        if guild is None:
            return
        wanted = data.get("user_ids")
        named = {int(user) for user in (wanted if isinstance(wanted, list) else [wanted] if wanted else [])}
        query = str(data.get("query") or "").lower()
        members = [
            self._rendering.member(member)
            for member in guild.members.values()
            if (member.user_id in named if named else world.users[member.user_id].username.startswith(query))
        ]
        chunk = {"guild_id": str(guild.id), "members": members, "chunk_index": 0, "chunk_count": 1}
        if data.get("nonce"):
            chunk["nonce"] = data["nonce"]
        session.dispatch("GUILD_MEMBERS_CHUNK", chunk)


async def _write(socket: web.WebSocketResponse, line: "asyncio.Queue[Json | None]", wire: Wire) -> None:
    """Send frames in their order until None comes; a connection that is gone takes the rest of them with it."""
    while (frame := await line.get()) is not None:
        packed = wire.pack(frame)
        with contextlib.suppress(ConnectionError):
            await (socket.send_str(packed) if isinstance(packed, str) else socket.send_bytes(packed))
