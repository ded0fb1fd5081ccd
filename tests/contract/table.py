"""The families of cases: which cover an operation by generated exchanges, by cases in files, or in a test of their own.

Every operation is covered by every family, or `REASONS` says why not. `test_table.py` holds it.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from shared.contract.operation import AnyOperation
from tests.contract.exchange import Exchange
from tests.contract.families import bodies, dates, lenient, lists, required, secrets, texts, transport, unreadable
from tests.contract.families import xml_attacks as attacks
from tests.contract.valid_requests import Callers

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

SUCCESS, RULES, OWN_CODES = "success", "2 rules", "own codes"
LIMITED, UNAVAILABLE, STATUSES, RETRIES, TENANTS = "98", "99", "http statuses", "retries", "foreign ids"
RANDOM = "random requests"

_CASES = Path(__file__).parent / "cases"


def load_cases() -> Mapping[str, Sequence[Any]]:
    """Return the cases of the files, by operation."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(_CASES.glob("*.json"))}
