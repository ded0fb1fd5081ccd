"""The numbered faults of the API: one table for the wire, the broker and the documentation."""

from enum import IntEnum
from typing import Self


class Fault(IntEnum):
    """A fault of the API: its number on the wire, what it means, and its HTTP status where real ones are wanted."""

    meaning: str
    http_status: int

    def __new__(cls, number: int, meaning: str, http_status: int) -> Self:
        fault = int.__new__(cls, number)
        fault._value_ = number
        fault.meaning = meaning
        fault.http_status = http_status
        return fault

    PARAMETER_MISSING = 2, "required parameter missing", 400
    ACCESS_DENIED = 97, "access denied (application or account disabled)", 403
    TOO_MANY_REQUESTS = 98, "too many requests; nothing was done", 429
    UNAVAILABLE = 99, "service not available; the outcome of a write is unknown", 503
    AUTH_TOKEN_INVALID = 100, "auth token invalid", 401
    CREDENTIALS_WRONG = 101, "credentials wrong", 401
    DEVICE_INVALID = 105, "device id invalid", 404
    DEVICE_LIMIT_EXCEEDED = 106, "device limit exceeded", 409
    NUMBER_NOT_KNOWN = 107, "number not known", 404
    LOGIN_BLOCKED = 109, "login blocked for a time", 403
    MSISDN_MISSING = 113, "account has no msisdn", 403
    # Not on the wire: the gateway answers it as HTTP 422 with a line of text.
    KEY_REUSED = 422, "the Idempotency-Key was used for another request; nothing was done", 422
    RECIPIENT_MALFORMED = 200, "recipient malformed", 400
    API_KEY_INVALID = 600, "API key invalid", 401


_NUMBERED = {fault.value: fault for fault in Fault}


def fault_numbered(number: int) -> Fault:
    """Return the fault of this number; one that this code does not know is 99."""
    return _NUMBERED.get(number, Fault.UNAVAILABLE)


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """Raised by a handler or a check to answer with `fault`."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault.value} {fault.meaning}")
        self.fault = fault


class Away(Refused):
    """A dependency is away or did not answer in time: the outcome of a write is unknown, so it is never run again."""

    def __init__(self, reason: str) -> None:
        super().__init__(Fault.UNAVAILABLE)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason
