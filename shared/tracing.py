"""Traces: one id for a request on its way through every process and log."""

import re
import secrets

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}\Z")


def trace_id(traceparent: str | None) -> str:
    """Return the trace id of a W3C `traceparent` header (32 hexadecimal digits), or a new one."""
    match = _TRACEPARENT.match(traceparent) if traceparent else None
    return match.group(1) if match else secrets.token_hex(16)
