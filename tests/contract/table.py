"""The table of operations and families of cases. `test_table.py` fails where a cell is empty without a reason.

Families come from three places: functions that generate exchanges from an operation's declaration, cases in files,
and tests of their own that need more than one exchange or another state of the service.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from shared.contract.operation import AnyOperation, Credentials
from tests.contract.exchange import Exchange
from tests.contract.families import bodies, dates, lenient, lists, required, secrets, texts, transport, unreadable
from tests.contract.families import xml_attacks as attacks
from tests.contract.valid_requests import PUBLIC, Callers

Family = Callable[[AnyOperation, Callers], Iterable[Exchange]]

GENERATED: Mapping[str, Family] = {
    "600 application": secrets.application,
    "100 token": secrets.token,
    "97 application": secrets.disabled_application,
    "97 account": secrets.disabled_account,
    "other application": secrets.other_application,
    "2 required": required.required,
    "2 null character": texts.null_characters,
    "texts": texts.texts,
    "lenient": lenient.lenient,
    "unreadable": unreadable.unreadable,
    "dates": dates.dates,
    "long lists": lists.lists,
    "depth": bodies.depth,
    "truncated": bodies.truncated,
    "size": bodies.size,
    "encodings": bodies.encodings,
    "charsets": bodies.charsets,
    "xml attacks": attacks.xml_attacks,
    "formats": transport.formats,
    "mismatched": transport.mismatched,
    "paths": transport.paths,
    "precedence": transport.precedence,
}

# The operations of each test of its own; the tests take them from here.
LIMITED, UNAVAILABLE, STATUSES, RETRIES, TENANTS = "98", "99", "http statuses", "retries", "foreign ids"
APART: Mapping[str, Sequence[AnyOperation]] = {
    LIMITED: PUBLIC,
    UNAVAILABLE: PUBLIC,
    STATUSES: PUBLIC,
    RETRIES: tuple(each for each in PUBLIC if each.takes_key),
    TENANTS: tuple(each for each in PUBLIC if each.credentials is Credentials.ACCOUNT),
}

SUCCESS, RULES = "success", "2 rules"
_NO_RULE = (
    "conversations.get", "conversations.read", "conversations.delete", "message.update", "message.delete",
    "contacts.get", "device.update", "device.client_delete",
)  # fmt: skip
_NOTHING_REQUIRED = (
    "conversations.get", "message.search", "contacts.get", "device.create", "device.update", "device.client_delete",
)  # fmt: skip
_NO_TEXT = (
    "conversations.get", "message.update", "message.delete", "message.delete_list", "message.lock_list",
    "message.unlock_list", "contacts.get", "device.client_delete",
)  # fmt: skip
_NO_LIMITED_LIST = (
    "conversations.get", "conversations.read", "conversations.delete", "message.get_by_conversation", "message.insert",
    "message.send", "message.update", "message.delete", "message.search", "user.login", "contacts.get",
    "device.create", "device.update", "device.client_delete", "sms.send",
)  # fmt: skip
_NO_DATE = tuple(
    each.name for each in PUBLIC if each.name not in {"message.insert", "message.send", "message.sync", "sms.send"}
)
# Cells that are empty: family, reason, operations. One that is not empty after all has no business here.
REASONS: Sequence[tuple[str, str, Sequence[str]]] = (
    ("100 token", "has no token", ("user.login",)),
    (
        "2 required",
        "requires no field",
        (
            "conversations.get",
            "message.search",
            "contacts.get",
            "device.create",
            "device.update",
            "device.client_delete",
        ),
    ),
    (RULES, "has no rule beside what is required", _NO_RULE),
    ("texts", "has no text", _NO_TEXT),
    ("long lists", "has no list that ends at 1,000", _NO_LIMITED_LIST),
    ("dates", "has no date", _NO_DATE),
    (RETRIES, "reads", ("conversations.get", "message.get_by_conversation", "message.search", "contacts.get")),
    (RETRIES, "takes no key", ("user.login", "message.sync")),
    (TENANTS, "has no account", ("user.login",)),
)
# Codes of an operation's own that no case can have yet.
CODES_TO_COME: Mapping[str, Sequence[int]] = {}

_CASES = Path(__file__).parent / "cases"


def load_cases() -> Mapping[str, Sequence[Any]]:
    """Return the cases of the files, by operation."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(_CASES.glob("*.json"))}
