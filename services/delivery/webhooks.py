"""Webhooks: where carriers bring receipts and inbound messages, `/carriers/<name>/receipt` and `/inbound`.

A call is answered when what it brings is kept; while it cannot be kept the answer is 503, and the carrier comes again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, NamedTuple

from aiohttp import web

from services.delivery import measures
from services.delivery.carriers import calls, hooks
from services.delivery.carriers.calls import Unreadable
from services.delivery.carriers.carrier import Arrivals
from services.delivery.carriers.hook_options import Hook
from services.delivery.carriers.kinds import inbound_hook, receipt_hook
from services.delivery.carriers.options import Options
from services.delivery.switchboard import Switchboard
from shared.contract.faults import Away

_log = logging.getLogger(__name__)
_AGAIN_SECONDS = 5
_OCTETS = 1_048_576


class _Way(NamedTuple):
    """What a path takes: how its hook is found, its calls are read, and what they bring is kept."""

    hook: Callable[[Options], Hook | None]
    read: Callable[[str, Any, calls.Call], hooks.Brought]
    keep: Callable[[Arrivals], Callable[[Any], Awaitable[None]]]


_WAYS: Mapping[str, _Way] = {
    "receipt": _Way(receipt_hook, hooks.receipts, lambda arrivals: arrivals.receipt),
    "inbound": _Way(inbound_hook, hooks.inbounds, lambda arrivals: arrivals.inbound),
}


class Webhooks:
    """Answers the calls of carriers that the switchboard has."""

    def __init__(self, board: Switchboard, arrivals: Arrivals) -> None:
        self._board = board
        self._arrivals = arrivals

    @asynccontextmanager
    async def serving(self, host: str, port: int) -> AsyncIterator[int]:
        """Serve; yield the port. Several workers of one machine share a port."""
        app = web.Application(client_max_size=_OCTETS)
        for method in ("GET", "POST"):
            app.router.add_route(method, "/carriers/{name}/{way:receipt|inbound}", self._answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, host, port, reuse_port=True).start()
        try:
            yield int(runner.addresses[0][1])
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        name, way = request.match_info["name"], request.match_info["way"]
        options = self._board.options(name)
        hook = _WAYS[way].hook(options) if options else None
        if hook is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        status = await self._status(request, name, way, hook)
        measures.webhook(name, way, status)
        if status is HTTPStatus.OK:
            return web.Response(text=hook.reply)
        headers = {"Retry-After": str(_AGAIN_SECONDS)} if status is HTTPStatus.SERVICE_UNAVAILABLE else None
        return web.Response(status=status, headers=headers)

    async def _status(self, request: web.Request, name: str, way: str, hook: Hook) -> HTTPStatus:
        try:
            called = await _called(request, hook)
            if called is None:
                return HTTPStatus.FORBIDDEN
            brought = _WAYS[way].read(name, hook, called)
            await asyncio.gather(*map(_WAYS[way].keep(self._arrivals), brought.things))
            _tell_unreadable(name, way, brought.unreadable)
        except Unreadable as error:
            _log.warning("call of a carrier not readable", extra={"carrier": name, "way": way, "reason": str(error)})
            return HTTPStatus.BAD_REQUEST
        except web.HTTPRequestEntityTooLarge:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        except Away as away:
            _log.warning("call of a carrier not kept", extra={"carrier": name, "way": way, "reason": away.reason})
            return HTTPStatus.SERVICE_UNAVAILABLE
        except Exception as error:  # noqa: BLE001 - a bug of ours, and no reason for the carrier to forget what it has
            _log.error("call of a carrier failed", extra={"carrier": name, "way": way}, exc_info=error)
            return HTTPStatus.SERVICE_UNAVAILABLE
        return HTTPStatus.OK


async def _called(request: web.Request, hook: Hook) -> calls.Call | None:
    """Return a call that has the carrier's secret; where it can be looked at first, nobody else's body is read."""
    outer = calls.outside(request.rel_url.raw_query_string, request.headers)
    if hooks.is_secret_outside(hook) and not hooks.is_from_carrier(hook, outer):
        return None
    called = calls.whole(outer, request.content_type, await request.read())
    return called if hooks.is_from_carrier(hook, called) else None


def _tell_unreadable(name: str, way: str, count: int) -> None:
    if count:
        measures.unreadable(name, way, count)
        _log.warning("part of a carrier's call not readable", extra={"carrier": name, "way": way, "parts": count})
