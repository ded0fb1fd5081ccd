"""The API as an OpenAPI 3.1 document, derived from the contract as all else is."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from shared.contract.catalogue import OPERATIONS
from shared.contract.faults import Fault
from shared.contract.operation import AnyOperation, Credentials
from shared.contract.scalars import ADDRESS, STRING, Scalar
from shared.contract.shape import Field, Shape, shape_of, wire_name

Schema = dict[str, Any]

_STRING = dict(STRING.openapi)
_NAME = re.compile("`([a-z_]+)`")

_MOUNTS = {
    "/rest": "answers in the format that `Accept` names, else in that of the request",
    "/json": "answers in JSON",
    "/xml": "answers in XML",
}
_COMMON = (Fault.ACCESS_DENIED, Fault.TOO_MANY_REQUESTS, Fault.UNAVAILABLE, Fault.API_KEY_INVALID)
_TRANSPORT = {
    400: "A body that cannot be read.",
    405: "Not a POST.",
    406: "Neither JSON nor XML is acceptable; under `/rest` only.",
    413: "A body of more than 1 MiB.",
    415: "A content type, charset or content encoding that is not known.",
    Fault.KEY_REUSED.value: Fault.KEY_REUSED.meaning,
}
_HEADERS = {
    "RateLimit": "What is left of the limits of the account.",
    "RateLimit-Policy": "The limits of the account.",
    "Retry-After": "With code 98: after how many seconds to come again.",
}
_KEY_NAME = "Idempotency-Key"
_KEY = {
    "name": _KEY_NAME,
    "in": "header",
    "description": "The same key with the same request gets the first answer, and has its effect once, for 7 days.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}


def openapi(version: str) -> Schema:
    """Return the document; `version` is that of the service."""
    public = [operation for operation in OPERATIONS if operation.path]
    shapes = {shape.element: schema for operation in public for shape, schema in _schemas(operation)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "usermessage",
            "version": version,
            "description": "An error of the API is HTTP 200 with an `errorCode` and nothing else.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url, "description": description} for url, description in _MOUNTS.items()],
        "paths": {cast(str, operation.path): {"post": _call(operation)} for operation in public},
        "components": {
            "schemas": dict(sorted(shapes.items())),
            "parameters": {_KEY_NAME: _KEY},
            "headers": {name: {"description": said, "schema": _STRING} for name, said in _HEADERS.items()},
            "responses": {str(status): _line(said) for status, said in _TRANSPORT.items()},
        },
    }


def _line(said: str) -> Schema:
    """Return an answer of HTTP itself: one line of text."""
    return {"description": said, "content": {"text/plain": {"schema": _STRING}}}


def _call(operation: AnyOperation) -> Schema:
    transport = [status for status in _TRANSPORT if status != Fault.KEY_REUSED or operation.takes_key]
    answer = {
        "description": "; ".join(["0 done", *(f"{fault.value} {fault.meaning}" for fault in _faults(operation))]),
        "headers": {name: _reference("headers", name) for name in _HEADERS},
        "content": _content(shape_of(operation.reply)),
    }
    return {
        "operationId": operation.name,
        "tags": [operation.name.partition(".")[0]],
        "parameters": [_reference("parameters", _KEY_NAME)] if operation.takes_key else [],
        "requestBody": {"required": True, "content": _content(shape_of(operation.request))},
        "responses": {"200": answer, **{str(status): _reference("responses", status) for status in transport}},
    }


def _content(shape: Shape) -> Schema:
    return {kind: {"schema": _reference("schemas", shape.element)} for kind in ("application/json", "application/xml")}


def _faults(operation: AnyOperation) -> list[Fault]:
    token = [Fault.AUTH_TOKEN_INVALID] if operation.credentials is Credentials.ACCOUNT else []
    missing = [Fault.PARAMETER_MISSING] if _may_miss(operation) else []
    return sorted({*_COMMON, *token, *missing, *operation.faults})


def _may_miss(operation: AnyOperation) -> bool:
    return operation.rule is not None or any(map(_may_be_refused, shape_of(operation.request).fields))


def _may_be_refused(field: Field) -> bool:
    # In a string U+0000 is refused.
    return bool(field.required or field.rule or field.limit) or field.kind in (STRING, ADDRESS)


def _schemas(operation: AnyOperation) -> Iterator[tuple[Shape, Schema]]:
    """Give the schemas of an operation: of its request, its reply, and what they are made of."""
    request, reply = shape_of(operation.request), shape_of(operation.reply)
    secrets = dict.fromkeys(operation.credentials.value, _STRING)
    code = {"type": "integer", "enum": [0, *(fault.value for fault in _faults(operation))]}
    yield request, _object(request, operation.request, secrets)
    # Strict clients refuse what they do not know.
    yield reply, _object(reply, operation.reply, {"errorCode": code}) | {"additionalProperties": False}
    yield from _nested((*request.fields, *reply.fields))


def _nested(fields: Iterable[Field]) -> Iterator[tuple[Shape, Schema]]:
    for field in fields:
        if not isinstance(field.kind, Scalar):
            shape = shape_of(field.kind)
            yield shape, _object(shape, field.kind, {})
            yield from _nested(shape.fields)


def _object(shape: Shape, made_from: type[Any], before: Mapping[str, Schema]) -> Schema:
    """Return a shape as a schema; `before` its own fields stand others, which are never left out."""
    needed = [*before, *(field.wire for field in shape.fields if field.required)]
    return {
        "type": "object",
        **_description(made_from),
        "properties": {**before, **{field.wire: _field(field) for field in shape.fields}},
        **({"required": needed} if needed else {}),
        "xml": {"name": shape.element},
    }


def _description(made_from: type[Any]) -> dict[str, str]:
    said = " ".join((made_from.__doc__ or "").split())
    # What a dataclass says of itself is its fields again.
    if said.startswith(f"{made_from.__name__}("):
        return {}
    return {"description": _NAME.sub(lambda found: f"`{wire_name(found[1])}`", said)}


def _field(field: Field) -> Schema:
    one = dict(field.kind.openapi) if isinstance(field.kind, Scalar) else _shape(field.kind)
    if field.many:
        return {"type": "array", "items": one, **({"maxItems": field.limit} if field.limit else {})}
    return one | {"type": [one["type"], "null"]} if field.null_written else one


def _shape(made_from: type[Any]) -> Schema:
    return _reference("schemas", shape_of(made_from).element)


def _reference(kind: str, name: str | int) -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}
