"""What an answer of an HTTP carrier means."""

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from services.delivery.carriers.carrier import Accepted, Outcome, Refusal, Refused, Unknown
from services.delivery.carriers.http_options import Answer
from services.delivery.carriers.ids import known_id
from services.delivery.carriers.options import Verdict

_UNKNOWN: Verdict = "unknown"
# What the classes of HTTP statuses mean, where nothing else says it. A redirect is a wrong URL of ours. Proxies answer
# 502 and 504 where the request may have gone through.
_STATUSES: Mapping[int, Verdict] = {
    401: Refusal.ACCOUNT,
    403: Refusal.ACCOUNT,
    429: Refusal.SLOW_DOWN,
    503: Refusal.SLOW_DOWN,
    502: _UNKNOWN,
    504: _UNKNOWN,
}
_CLASSES: Mapping[int, Verdict] = {
    1: _UNKNOWN,
    3: Refusal.ACCOUNT,
    4: Refusal.PERMANENT,
    5: Refusal.TEMPORARY,
}
_OK = 2
# A code may be shown in a log; a text or a number of a person may not.
_SHOWABLE = re.compile(r"(?!.*[0-9]{7})[A-Za-z0-9_.-]{1,32}\Z")
_LONGEST_HOLD_SECONDS = 3600.0


def outcome(answer: Answer, status: int, headers: Mapping[str, str], content: bytes, reference: str) -> Outcome:
    """Return what an answer says; `headers` find names in any case."""
    tree = _tree(answer, status, headers, content)
    code = answer.code.text_in(tree) if answer.code else None
    if status // 100 == _OK and _took_it(answer, tree, code):
        return _accepted(answer, tree, reference)
    if status // 100 == _OK and not _readable(answer, tree):
        return Unknown(f"status {status} with an answer that cannot be read")
    verdict = _verdict(answer, status, code)
    reason = f"status {status}" + (f", code {code}" if code and _SHOWABLE.match(code) else "")
    if not isinstance(verdict, Refusal):
        return Unknown(reason)
    return Refused(verdict, reason, _after_seconds(headers) if verdict is Refusal.SLOW_DOWN else None)


def _took_it(answer: Answer, tree: Mapping[str, Any], code: str | None) -> bool:
    """Whether an answer 2xx says so: by its success, else by not having the code of a refusal."""
    return code not in answer.codes if answer.success is None else answer.success.find(tree) is True


def _accepted(answer: Answer, tree: Mapping[str, Any], reference: str) -> Outcome:
    if answer.reference_is_id:
        return Accepted((reference,))
    if answer.ids is None:
        return Accepted(())
    ids = tuple(known for each in answer.ids.texts(tree) if (known := known_id(each)))
    if not ids and not _readable(answer, tree):
        return Unknown(f"status {tree['status']} with an answer that cannot be read")
    if not ids and answer.success is None:
        # Only the id would have said that it was taken.
        return Unknown(f"status {tree['status']} without an id")
    return Accepted(ids)


def _verdict(answer: Answer, status: int, code: str | None) -> Verdict:
    if code in answer.codes:
        return answer.codes[code]
    if status in answer.statuses:
        return answer.statuses[status]
    # An answer 200 that says no success, with a code that nobody named.
    return _STATUSES.get(status) or _CLASSES.get(status // 100, Refusal.TEMPORARY)


def _tree(answer: Answer, status: int, headers: Mapping[str, str], content: bytes) -> dict[str, Any]:
    text = content.decode("utf-8", "replace")
    match = re.search(answer.pattern, text) if answer.pattern else None
    return {
        "status": status,
        "headers": {name.lower(): value for name, value in headers.items()},
        "text": text,
        "json": _json(content),
        "match": match.groupdict() if match else None,
    }


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _readable(answer: Answer, tree: Mapping[str, Any]) -> bool:
    """Whether an answer is of the kind that the expressions are about, rather than some page of a proxy."""
    return tree["match" if answer.pattern else "json"] is not None


def _after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return what Retry-After says, as seconds or as a date, an hour at most."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _LONGEST_HOLD_SECONDS)
    try:
        seconds = parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, seconds), _LONGEST_HOLD_SECONDS)
