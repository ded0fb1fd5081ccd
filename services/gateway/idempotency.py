"""The `Idempotency-Key` header: what a client sends so that it may repeat a write whose answer it did not get."""

import re
from http import HTTPStatus

from aiohttp import web

from services.gateway.body import TransportFault
from shared.contract.operation import AnyOperation

_HEADER = "Idempotency-Key"
_KEY = re.compile("[!-~]{1,255}")


def idempotency_key(operation: AnyOperation, request: web.BaseRequest) -> str | None:
    """Return the key that counts for this call; raises `TransportFault` 400 for one that cannot be a key."""
    keys = request.headers.getall(_HEADER, []) if operation.takes_key else []
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        reason = f"{_HEADER} is not one text of 1 to 255 visible ASCII characters"
        raise TransportFault(HTTPStatus.BAD_REQUEST, reason)
    return keys[0]
