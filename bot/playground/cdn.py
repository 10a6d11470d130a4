"""Serves the bytes of attachments under their signed links."""

from aiohttp import web

from .faults import Faults, RateLimited
from .files import Files
from .mishaps import after_work, before_work, held_up

GONE = "This content is no longer available."


class Cdn:
    """GET and HEAD under `/attachments/…`, and under `/media/attachments/…` for `proxy_url`; faults apply."""

    def __init__(self, files: Files, faults: Faults) -> None:
        self._files = files
        self._faults = faults

    def add_to(self, app: web.Application) -> None:
        path = "/attachments/{channel_id:[0-9]+}/{attachment_id:[0-9]+}/{filename}"
        app.router.add_get(path, self._serve)
        app.router.add_get("/media" + path, self._serve)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        mishap = self._faults.take(request.method, request.path)
        if isinstance(mishap, RateLimited):
            return web.Response(status=429, headers={"Retry-After": str(max(1, round(mishap.retry_after)))})
        await held_up(mishap)
        early = await before_work(request, mishap)
        if early is not None:
            return early
        return await after_work(request, self._answer(request), mishap)

    def _answer(self, request: web.Request) -> web.Response:
        named = request.match_info
        attachment = self._files.open(
            int(named["channel_id"]), int(named["attachment_id"]), named["filename"], dict(request.query)
        )
        if attachment is None:
            return web.Response(status=404, text=GONE)
        kind = "application/octet-stream" if attachment.content_type is None else attachment.content_type
        headers = {
            "Content-Type": kind,
            "Cache-Control": "private, max-age=86400",
            # A file of a member must not be run as a page of this origin.
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'",
        }
        return web.Response(body=self._files.read(attachment.id), headers=headers)
