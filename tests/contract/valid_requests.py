"""A valid request of every operation: what generated cases start from. A new operation needs a row here."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contract.catalogue import OPERATIONS
from shared.contract.operation import AnyOperation
from shared.contract.scalars import Scalar
from shared.contract.shape import Field, shape_of
from tests.contract.case_formats import Tree

NOBODY, NOBODYS_NUMBER = "+436990000001", 436990000001
DATE = 1367947813123
_FLAGS = {"canReceiveCall": True, "canInitiateCall": False}
_PUSH = {"pushRegistrationId": "registration", "pushConfig": "config", "maxMmsSize": 300_000}
# The server may know the message by either id, so that each of them may be left out.
_ENTRY = {
    "operation": 1, "messageId": 1, "deviceMessageId": 1, "address": NOBODY, "message": "hello", "incoming": True,
    "read": False, "locked": False, "origin": 0, "status": 0, "dateSent": DATE, "dateStatus": DATE,
}  # fmt: skip


@dataclass(frozen=True)
class Valid:
    """What must be sent, what may be sent beside it, and the code of the answer with and without the latter."""

    required: Tree
    optional: Tree
    code: int = 0


# No effect needs undoing: the ids are nobody's, and a device more drops one (`force`).
VALID: Mapping[str, Valid] = {
    "conversations.get": Valid({}, {}),
    "conversations.read": Valid({"address": NOBODY}, {}),
    "conversations.delete": Valid({"address": NOBODY}, {}),
    "conversations.delete_list": Valid({"addresses": [NOBODY]}, {}),
    "message.get_by_conversation": Valid({"address": NOBODY}, {"offset": 0, "limit": 1}),
    "message.insert": Valid(
        {"address": NOBODY, "message": "hello"},
        {"dateSent": DATE, "read": True, "locked": False, "origin": 1, "incoming": True},
    ),
    "message.send": Valid(
        {"recipient": NOBODYS_NUMBER, "message": "hello"},
        {"dateSendOn": DATE, "instantOnly": True, "deviceId": 0},
    ),
    "message.update": Valid({"messageId": 2_000_000_000}, {"read": True, "locked": False}),
    "message.delete": Valid({"messageId": 2_000_000_000}, {}),
    "message.delete_list": Valid({"messageIds": [2_000_000_000]}, {}),
    "message.lock_list": Valid({"messageIds": [2_000_000_000]}, {}),
    "message.unlock_list": Valid({"messageIds": [2_000_000_000]}, {}),
    "message.sync": Valid(
        {"deviceId": 2_000_000_000},
        {
            "syncs": [_ENTRY], "syncAcks": [{"messageId": 1, "deviceMessageId": 1}],
            "syncLimit": 1, "syncUnreliable": True, "syncInitial": False,
        },
        code=105,
    ),
    "message.search": Valid({"query": "hello"}, {"address": NOBODY, "locked": False, "limit": 1}),
    "user.login": Valid(
        {"msisdn": NOBODYS_NUMBER, "password": "wrong"}, {"key": "installation", "checkKey": False}, code=107
    ),
    "contacts.get": Valid({}, {}),
    "device.create": Valid(
        {"force": True}, {"os": 1, "canSendSms": True, "messageHistoryLimit": 10, **_FLAGS, **_PUSH}
    ),
    "device.update": Valid({"deviceId": 2_000_000_000}, {**_FLAGS, **_PUSH}, code=105),
    "device.client_delete": Valid({"deviceId": 2_000_000_000}, {}, code=105),
    "sms.send": Valid(
        {"recipients": [NOBODY], "message": "hello"},
        {"dateSendOn": DATE, "encoding": 1, "smsConnectorId": 1, "store": True},
    ),
}  # fmt: skip

PUBLIC: Sequence[AnyOperation] = tuple(each for each in OPERATIONS if each.path is not None)
# Places where another value gives another answer: not every text is a recipient, and the 21st device needs force.
FIXED = ("recipients[]", "force")


@dataclass(frozen=True, kw_only=True)
class Callers:
    """The secrets of those who call: a fresh account, and others that must not get in."""

    api_key: str
    auth_token: str
    other_api_key: str = "other"
    token_of_other_application: str = "other"
    disabled_api_key: str = "disabled"
    token_of_disabled_application: str = "disabled"
    token_of_disabled_account: str = "disabled"
    msisdn_of_disabled_account: int = 1
    password: str = "secret"

    def secrets(self, operation: AnyOperation) -> Tree:
        """Return what a body of this operation says of its caller."""
        both = {"apiKey": self.api_key, "authToken": self.auth_token}
        return {key: both[key] for key in operation.credentials.value}


@dataclass(frozen=True)
class Place:
    """A scalar of a request: its name, its row, a valid value, and the keys of a request that has a value there.

    Without a `required` one, or with an empty one, the answer is another.
    """

    name: str
    kind: Scalar
    field: Field
    valid: Any
    keys_with: Callable[[Any], Tree]
    required: bool = False


def valid(operation: AnyOperation, callers: Callers) -> Tree:
    """Return the shortest request that is valid."""
    return {**callers.secrets(operation), **VALID[operation.name].required}


def full(operation: AnyOperation, callers: Callers) -> Tree:
    """Return a valid request with every field."""
    row = VALID[operation.name]
    return {**callers.secrets(operation), **row.required, **row.optional}


def places(operation: AnyOperation) -> Iterator[Place]:
    """Yield every scalar of an operation's request, those in lists and in entries too."""
    row = VALID[operation.name]
    values = {**row.required, **row.optional}
    for field in shape_of(operation.request).fields:
        yield from _places(field, values[field.wire], required=field.wire in row.required)


def _places(field: Field, value: Any, *, required: bool) -> Iterator[Place]:
    wire = field.wire
    if not isinstance(field.kind, Scalar):
        yield from (_inside(wire, inner, value[0]) for inner in shape_of(field.kind).fields)
    elif field.many:
        yield Place(f"{wire}[]", field.kind, field, value[0], lambda each: {wire: [each]})
    else:
        yield Place(wire, field.kind, field, value, lambda each: {wire: each}, required)


def _inside(wire: str, inner: Field, entry: Tree) -> Place:
    assert isinstance(inner.kind, Scalar)
    name = f"{wire}[].{inner.wire}"
    return Place(name, inner.kind, inner, entry[inner.wire], lambda each: {wire: [{**entry, inner.wire: each}]})
