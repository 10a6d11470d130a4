"""One request of the bot, read: path, query, JSON, files."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from .errors import ApiError, invalid_form, not_found, too_large
from .files import Upload

Json = dict[str, Any]

MOST_BYTES = 25 * 1024 * 1024
FILE_FIELD = re.compile(r"files\[(\d+)\]")


@dataclass(frozen=True, kw_only=True)
class Call:
    """What was asked. `body` is the JSON of the body or of its `payload_json` part; `files` go by `files[n]`."""

    method: str
    template: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None
    files: Mapping[int, Upload] = field(default_factory=dict)

    def id(self, name: str) -> int:
        """A snowflake of the path."""
        return _snowflake(name, self.path[name])

    def asked_id(self, name: str) -> int | None:
        """A snowflake of the query; None where it is not given."""
        return _snowflake(name, self.query[name]) if name in self.query else None

    @property
    def fields(self) -> Json:
        """The body as an object; ApiError 50035 where it is none."""
        if not isinstance(self.body, dict):
            raise invalid_form("", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        return self.body


def _snowflake(name: str, value: str) -> int:
    if not value.isdecimal():
        raise invalid_form(name, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
    return int(value)


async def read_call(request: web.Request, template: str) -> Call:
    """Read a request; ApiError for JSON that is none, and for more than 25 MiB."""
    body: Any = None
    files: dict[int, Upload] = {}
    if request.content_length is not None and request.content_length > MOST_BYTES:
        raise too_large()
    if request.content_type == "multipart/form-data":
        body, files = await _read_parts(request)
    elif request.can_read_body:
        raw = await request.content.read(MOST_BYTES + 1)
        while len(raw) <= MOST_BYTES and not request.content.at_eof():
            raw += await request.content.read(MOST_BYTES + 1 - len(raw))
        if len(raw) > MOST_BYTES:
            raise too_large()
        body = parsed(raw) if raw else None
    return Call(
        method=request.method,
        template=template,
        path=dict(request.match_info),
        query=dict(request.query),
        body=body,
        files=files,
    )


async def _read_parts(request: web.Request) -> tuple[Any, dict[int, Upload]]:
    body: Any = None
    files: dict[int, Upload] = {}
    total = 0
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise not_found()
        data = bytes(await part.read())
        total += len(data)
        if total > MOST_BYTES:
            raise too_large()
        numbered = FILE_FIELD.fullmatch(part.name or "")
        if part.name == "payload_json":
            body = parsed(data)
        elif numbered is not None:
            files[int(numbered[1])] = Upload(filename=part.filename or "unknown", data=data)
    return ({} if body is None else body), files


def parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError as error:
        raise ApiError(400, 50109, "The request body contains invalid JSON.") from error
