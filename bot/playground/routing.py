"""The REST interface as a whole: every request is read, checked, limited, carried out and answered here."""

import json
import logging
from collections.abc import Callable
from typing import Any

from aiohttp import web

from .calls import Call, Json, read_call
from .errors import ApiError, invalid_form, not_found, unauthorized
from .faults import Faults, RateLimited
from .limits import Limits, Standing
from .mishaps import after_work, before_work, held_up
from .schema import SchemaCheck

log = logging.getLogger(__name__)

Handler = Callable[[Call], Json | list[Json] | None]
Route = tuple[str, str, Handler]

PREFIX = "/api/v10"
# Whose path itself carries the secret.
WITHOUT_TOKEN = ("/interactions/", "/webhooks/")


class Rest:
    """Serves a table of routes; what violates the schema is logged, and when `strict` refused as well."""

    def __init__(
        self,
        table: list[Route],
        *,
        token: str,
        limits: Limits,
        faults: Faults,
        schema: SchemaCheck | None,
        strict: bool,
    ) -> None:
        self._table = table
        self._token = token
        self._limits = limits
        self._faults = faults
        self._schema = schema
        self._strict = strict

    def add_to(self, app: web.Application) -> None:
        for method, template, handler in self._table:
            app.router.add_route(method, PREFIX + template, self._served(template, handler))
        app.router.add_route("*", PREFIX + "/{rest:.*}", self._served("/{rest}", _nothing_there))

    def _served(self, template: str, handler: Handler) -> Callable[[web.Request], Any]:
        async def serve(request: web.Request) -> web.StreamResponse:
            return await self._serve(request, template, handler)

        return serve

    async def _serve(self, request: web.Request, template: str, handler: Handler) -> web.StreamResponse:
        # 1. What goes wrong on demand before any work.
        mishap = self._faults.take(request.method, request.path.removeprefix(PREFIX))
        standing = self._limits.count(request.method, template, dict(request.match_info))
        if isinstance(mishap, RateLimited):
            await request.read()
            return _limited(standing, mishap.retry_after, everywhere=mishap.everywhere)
        early = await before_work(request, mishap)
        if early is not None:
            return early
        # 2. The limit, the token, the body and its form; then the work itself, which never waits.
        if standing.refused:
            return _limited(standing, standing.reset_after, everywhere=False)
        try:
            self._authorise(request, template)
            call = await read_call(request, template)
            await held_up(mishap)
            self._check(call)
            status, body = 200, handler(call)
            if body is None:
                status = 204
        except ApiError as error:
            status, body = error.status, error.body()
        # 3. What goes wrong on demand after the work.
        return await after_work(request, _answer(status, body, standing), mishap)

    def _authorise(self, request: web.Request, template: str) -> None:
        if template.startswith(WITHOUT_TOKEN):
            return
        if request.headers.get("Authorization") != f"Bot {self._token}":
            raise unauthorized()

    def _check(self, call: Call) -> None:
        if self._schema is None or call.body is None:
            return
        violation = self._schema.check(call.method, call.template, call.body)
        if violation is not None:
            log.warning("%s %s: %s", violation.method, violation.path, violation.error)
            if self._strict:
                raise invalid_form("", "SCHEMA", violation.error)


def _nothing_there(_call: Call) -> None:
    raise not_found()


def _answer(status: int, body: Json | list[Json] | None, standing: Standing) -> web.Response:
    if body is None:
        return web.Response(status=status, headers=standing.headers())
    # The client compares the content type as a whole, so that it must not name a charset.
    headers = {"Content-Type": "application/json", **standing.headers()}
    return web.Response(status=status, body=json.dumps(body, separators=(",", ":")).encode(), headers=headers)


def _limited(standing: Standing, retry_after: float, *, everywhere: bool) -> web.Response:
    body = {"message": "You are being rate limited.", "retry_after": round(retry_after, 3), "global": everywhere}
    answer = _answer(429, body, standing)
    answer.headers["Retry-After"] = str(max(1, round(retry_after)))
    answer.headers["X-RateLimit-Scope"] = "global" if everywhere else "user"
    # Without this header the client takes the answer for a ban by Discord's edge.
    answer.headers["Via"] = "1.1 playground"
    if everywhere:
        answer.headers["X-RateLimit-Global"] = "true"
    return answer
