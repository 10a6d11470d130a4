"""Gateway sessions: numbered events, kept for those who come back, and the compression of a connection."""

import asyncio
import importlib
import json
import secrets
import zlib
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any

Json = dict[str, Any]

KEPT_EVENTS = 2000


class Opcode(IntEnum):
    """What a gateway frame is."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    VOICE_STATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class CloseCode(IntEnum):
    """Why the gateway hangs up."""

    UNKNOWN_ERROR = 4000
    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    INVALID_SEQUENCE = 4007
    SESSION_TIMED_OUT = 4009
    INVALID_SHARD = 4010
    INVALID_VERSION = 4012
    INVALID_INTENTS = 4013
    DISALLOWED_INTENTS = 4014


class Intent(IntFlag):
    """The intents that decide what is dispatched here."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    MESSAGE_CONTENT = 1 << 15


EVERY_INTENT = (1 << 26) - 1


@dataclass(kw_only=True, eq=False)
class Session:
    """What one IDENTIFY began. `line` takes frames to the connection of now; None while there is none."""

    intents: Intent
    shard: tuple[int, int]
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    sequence: int = 0
    events: deque[Json] = field(default_factory=lambda: deque(maxlen=KEPT_EVENTS))
    line: "asyncio.Queue[Json | None] | None" = None

    def dispatch(self, event: str, data: Json) -> None:
        """Number the event, keep it, and send it where there is a connection."""
        self.sequence += 1
        frame: Json = {"op": int(Opcode.DISPATCH), "t": event, "s": self.sequence, "d": data}
        self.events.append(frame)
        if self.line is not None:
            self.line.put_nowait(frame)

    def missed_since(self, sequence: int) -> list[Json] | None:
        """The events after `sequence`; None where some of them are no longer kept, or it was never reached."""
        first_kept = self.events[0]["s"] if self.events else self.sequence + 1
        if sequence > self.sequence or sequence < first_kept - 1:
            return None
        return [frame for frame in self.events if frame["s"] > sequence]

    def serves(self, guild_id: int | None) -> bool:
        """Whether events of this server, or of direct conversations, belong to this session's shard."""
        number, count = self.shard
        return number == (0 if guild_id is None else (guild_id >> 22) % count)


class Wire:
    """Frames to bytes for one connection: plain text, or a stream whose messages end on a flush."""

    def __init__(self, compression: str | None) -> None:
        self._zlib = zlib.compressobj() if compression == "zlib-stream" else None
        self._zstd = _zstd_compressor() if compression == "zstd-stream" else None

    def pack(self, frame: Json) -> str | bytes:
        text = json.dumps(frame, separators=(",", ":"))
        if self._zlib is not None:
            return self._zlib.compress(text.encode()) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
        if self._zstd is not None:
            compressor, flush = self._zstd
            return bytes(compressor.compress(text.encode())) + bytes(compressor.flush(flush))
        return text


def supported_compressions() -> frozenset[str]:
    """What this process can serve: zstd needs Python 3.14, or the zstandard package, as on the client's side."""
    return frozenset({"zlib-stream"} | ({"zstd-stream"} if _zstd_compressor() is not None else set()))


def _zstd_compressor() -> tuple[Any, int] | None:
    for name in ("compression.zstd", "zstandard"):
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        if name == "zstandard":
            return module.ZstdCompressor().compressobj(), module.COMPRESSOBJ_FLUSH_BLOCK
        compressor = module.ZstdCompressor()
        return compressor, compressor.FLUSH_BLOCK
    return None
