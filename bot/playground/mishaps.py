"""How a mishap is carried out on a request, before or after its work."""

import asyncio
from contextlib import suppress

from aiohttp import web

from .faults import Delayed, Dropped, Failure, Mishap, Moment


async def before_work(request: web.Request, mishap: Mishap | None) -> web.StreamResponse | None:
    """The answer of a mishap that prevents the work; None where the work is to be done."""
    if isinstance(mishap, Failure) and not mishap.after_work:
        await request.read()
        return _failed(mishap.status)
    if isinstance(mishap, Dropped) and mishap.moment is Moment.BEFORE:
        _hang_up(request)
        return web.Response(status=500)
    return None


async def held_up(mishap: Mishap | None) -> None:
    """Wait as long as a mishap has it. The request is there as a whole, and goes on if its sender does not."""
    if isinstance(mishap, Delayed):
        await asyncio.sleep(mishap.seconds)


async def after_work(request: web.Request, answer: web.Response, mishap: Mishap | None) -> web.StreamResponse:
    """The answer, or what a mishap makes of it."""
    if isinstance(mishap, Failure):
        return _failed(mishap.status)
    if not isinstance(mishap, Dropped):
        return answer
    if mishap.moment is Moment.AFTER or not isinstance(answer.body, bytes):
        _hang_up(request)
        return answer
    partial = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.headers["Content-Type"]})
    partial.content_length = len(answer.body)
    with suppress(ConnectionError):  # the client may have hung up by itself
        await partial.prepare(request)
        await partial.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return partial


def _failed(status: int) -> web.Response:
    return web.Response(status=status, text="upstream connect error", content_type="text/plain")


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
