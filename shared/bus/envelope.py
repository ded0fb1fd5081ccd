"""The envelope: what one AMQP message holds, one or many commands of one queue, or one or many replies.

Commands are one JSON document. Replies are a JSON line that lists them, then their bodies back to back: a body is the
wire JSON of its reply, which the gateway passes through without looking into it; a large one comes in parts. Lists
may grow at their end; a reader takes the entries that it knows.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from shared.contract.operation import Identity

VERSION = 1
# The code of an interim reply: the command waits for a locked mailbox and will be answered later.
PARKED = -1


class Command(NamedTuple):
    """One command: so many `budget_ms` after its receipt it is not run any more; `key` is an `Idempotency-Key`."""

    id: int
    operation: str
    budget_ms: int
    identity: Identity
    trace: str
    request: dict[str, Any]
    key: str | None = None


class Reply(NamedTuple):
    """One reply: the number of its fault (or `PARKED`) and no body, or 0 and the wire JSON or one part of it.

    `run` tells the parts of one run from those of another: a read that is delivered again runs again.
    """

    id: int
    code: int
    body: bytes
    part: int = 0
    parts: int = 1
    run: int = 0


class EnvelopeError(ValueError):
    """Bytes that are no envelope of a version that this code knows."""


class UnknownVersionError(EnvelopeError):
    """A document of a version that this code does not know."""


def pack_commands(commands: Sequence[Command]) -> bytes:
    """Return the bytes of an envelope with these commands."""
    rows = [
        (id_, operation, budget, who.account_id, who.application_id, who.msisdn, trace, request, key)
        for id_, operation, budget, who, trace, request, key in commands
    ]
    return orjson.dumps({"version": VERSION, "commands": rows})


def unpack_commands(body: bytes) -> list[Command]:
    """Return the commands of an envelope."""
    document = _document(body)
    try:
        return [
            Command(row[0], row[1], row[2], Identity(row[3], row[4], row[5]), row[6], row[7], *row[8:9])
            for row in document["commands"]
        ]
    except (KeyError, IndexError, TypeError) as error:
        raise EnvelopeError("not an envelope of commands") from error


def pack_replies(replies: Sequence[Reply]) -> bytes:
    """Return the bytes of an envelope with these replies."""
    rows = [(reply.id, reply.code, len(reply.body), reply.part, reply.parts, reply.run) for reply in replies]
    head = orjson.dumps({"version": VERSION, "replies": rows})
    return b"\n".join((head, b"".join([reply.body for reply in replies])))


def unpack_replies(body: bytes) -> list[Reply]:
    """Return the replies of an envelope."""
    head, _, bodies = body.partition(b"\n")
    document = _document(head)
    replies: list[Reply] = []
    start = 0
    try:
        for row in document["replies"]:
            end = start + row[2]
            replies.append(Reply(row[0], row[1], bodies[start:end], row[3], row[4], row[5]))
            start = end
    except (KeyError, IndexError, TypeError) as error:
        raise EnvelopeError("not an envelope of replies") from error
    return replies


def _document(text: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise EnvelopeError("not JSON") from error
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise EnvelopeError("not a version that this code knows")
    return document
