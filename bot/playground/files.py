"""Uploaded files: what was sent, what is kept, and the signed links under which it is served."""

import hashlib
import hmac
import io
import mimetypes
import re
import secrets
import warnings
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image, UnidentifiedImageError

from .clock import Clock

LINK_LIFE_S = 24 * 3600
KEPT_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file as a person or the bot sends it."""

    filename: str
    data: bytes = field(repr=False)
    description: str | None = None

    @classmethod
    def of(cls, path: Path) -> "Upload":
        return cls(filename=path.name, data=path.read_bytes())


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """What is known of a stored file; `width` and `height` in pixels are known for pictures that can be read."""

    id: int
    channel_id: int
    filename: str
    size: int
    content_type: str | None
    width: int | None = None
    height: int | None = None
    description: str | None = None
    ephemeral: bool = False


class Files:
    """The bytes of each attachment, and links that expire; the oldest go when more than `kept_bytes` are held."""

    def __init__(self, clock: Clock, *, kept_bytes: int = KEPT_BYTES) -> None:
        self.origin = ""
        self._clock = clock
        self._kept_bytes = kept_bytes
        self._held_bytes = 0
        self._held: OrderedDict[int, tuple[Attachment, bytes]] = OrderedDict()
        self._key = secrets.token_bytes(32)

    def keep(self, attachment_id: int, channel_id: int, upload: Upload, *, ephemeral: bool = False) -> Attachment:
        width, height = _dimensions(upload.data)
        attachment = Attachment(
            id=attachment_id,
            channel_id=channel_id,
            filename=_plain_name(upload.filename),
            size=len(upload.data),
            content_type=mimetypes.guess_type(upload.filename)[0],
            width=width,
            height=height,
            description=upload.description,
            ephemeral=ephemeral,
        )
        self._held[attachment.id] = (attachment, upload.data)
        self._held_bytes += attachment.size
        while self._held_bytes > self._kept_bytes and len(self._held) > 1:
            _, (oldest, _) = self._held.popitem(last=False)
            self._held_bytes -= oldest.size
        return attachment

    def forget(self, attachment_id: int) -> None:
        gone = self._held.pop(attachment_id, None)
        if gone is not None:
            self._held_bytes -= gone[0].size

    def read(self, attachment_id: int) -> bytes:
        """The bytes of a stored file; KeyError where they are gone."""
        return self._held[attachment_id][1]

    def link(self, attachment: Attachment, *, proxied: bool = False) -> str:
        """The address of the file's bytes, good for 24 hours of the playground's clock from now."""
        issued = int(self._clock.now())
        expires = issued + LINK_LIFE_S
        path = f"attachments/{attachment.channel_id}/{attachment.id}/{attachment.filename}"
        signature = self._sign(path, expires, issued)
        start = f"{self.origin}/media" if proxied else self.origin
        return f"{start}/{quote(path)}?ex={expires:x}&is={issued:x}&hm={signature}&"

    def open(
        self, channel_id: int, attachment_id: int, filename: str, signed: dict[str, str]
    ) -> Attachment | None:
        """The file behind a link; None where the link is forged or expired, or the file is gone."""
        try:
            expires, issued = int(signed["ex"], 16), int(signed["is"], 16)
            given = signed["hm"]
        except (KeyError, ValueError):
            return None
        path = f"attachments/{channel_id}/{attachment_id}/{filename}"
        if not hmac.compare_digest(given, self._sign(path, expires, issued)) or self._clock.now() >= expires:
            return None
        held = self._held.get(attachment_id)
        return None if held is None else held[0]

    def payload(self, attachment: Attachment) -> dict[str, Any]:
        body: dict[str, Any] = {
            "id": str(attachment.id),
            "filename": attachment.filename,
            "size": attachment.size,
            "url": self.link(attachment),
            "proxy_url": self.link(attachment, proxied=True),
        }
        optional = {
            "content_type": attachment.content_type,
            "width": attachment.width,
            "height": attachment.height,
            "description": attachment.description,
        }
        body.update({name: value for name, value in optional.items() if value is not None})
        if attachment.ephemeral:
            body["ephemeral"] = True
        return body

    def _sign(self, path: str, expires: int, issued: int) -> str:
        return hmac.new(self._key, f"{path}|{expires:x}|{issued:x}".encode(), hashlib.sha256).hexdigest()


def _plain_name(filename: str) -> str:
    """The name as Discord keeps it: letters, digits, `_`, `-` and `.` of ASCII, spaces turned into `_`."""
    plain = re.sub(r"[^A-Za-z0-9_.\-]", "", filename.replace(" ", "_"))
    return plain.strip(".") or "unknown"


def _dimensions(data: bytes) -> tuple[int | None, int | None]:
    with warnings.catch_warnings():
        # A picture of absurd size or a damaged one is stored like any other file; reading its header is harmless.
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data)) as picture:
                return picture.size
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
            return None, None
