"""Templates: texts with placeholders such as `{recipient}`, filled in without any pasting into a query or a body.

A template gives one value; what encodes a query, a form or JSON comes after, so no text can leave its place.
"""

import re
from collections.abc import Mapping
from string import Formatter
from typing import Annotated, Any, NamedTuple

from pydantic import PlainValidator

from services.delivery.carriers.carrier import Submission
from services.delivery.segments import Segments

_SECRETS = "secret."
# What a message is filled in with; a secret is `secret.<name>`.
PLACEHOLDERS = frozenset(
    {
        "recipient",
        "sender",
        "text",
        "reference",
        "coding",
        "alphabet",
        "parts",
        "validity_seconds",
        "validity_minutes",
        "receipt_url",
    }
)
# The only ones that cannot end a URL's query inside a value; a secret of a webhook is made of such characters too.
_URL_SAFE = frozenset({"reference", "receipt_url", "coding", "parts", "validity_seconds", "validity_minutes"})
_NUMBER = "number"
_UCS2_CODING, _GSM_CODING = 2, 0
_SECRET_NAME = re.compile(r"secret\.[a-z0-9_]+\Z")


class _Piece(NamedTuple):
    literal: str
    name: str | None


class Template(NamedTuple):
    """A text with places for what changes; `is_number` makes a JSON number of its only place."""

    pieces: tuple[_Piece, ...]
    is_number: bool = False

    @property
    def names(self) -> frozenset[str]:
        return frozenset(piece.name for piece in self.pieces if piece.name)

    @property
    def secrets(self) -> frozenset[str]:
        return frozenset(name.removeprefix(_SECRETS) for name in self.names if name.startswith(_SECRETS))

    def fill(self, values: Mapping[str, str]) -> str:
        return "".join(piece.literal + (values[piece.name] if piece.name else "") for piece in self.pieces)


def template(text: object) -> Template:
    """Read a template; raise `ValueError` for a placeholder that there is not."""
    if not isinstance(text, str):
        raise ValueError("no text")  # noqa: TRY004 - what validates takes ValueError only
    found = [_piece(*parsed) for parsed in Formatter().parse(text)]
    pieces = tuple(piece for piece, _ in found)
    read = Template(pieces, is_number=any(is_number for _, is_number in found))
    if read.is_number and (len(pieces) > 1 or pieces[0].literal):
        raise ValueError("a :number stands alone")
    if "://" in text and any(name not in _URL_SAFE and not name.startswith(_SECRETS) for name in read.names):
        raise ValueError(f"in a URL only {', '.join(sorted(_URL_SAFE))} and secrets")
    return read


def _piece(literal: str, name: str | None, form: str | None, conversion: str | None) -> tuple[_Piece, bool]:
    if name is not None and name not in PLACEHOLDERS and not _SECRET_NAME.match(name):
        raise ValueError(f"no placeholder {{{name}}}; there are {', '.join(sorted(PLACEHOLDERS))}, secret.<name>")
    if conversion or form not in {None, "", _NUMBER}:
        raise ValueError("behind a placeholder only :number")
    return _Piece(literal, name), form == _NUMBER


def tree(given: Any) -> Any:
    """Read a tree of JSON whose texts are templates; other leaves stay what they are."""
    if isinstance(given, dict):
        return {str(key): tree(value) for key, value in given.items()}
    if isinstance(given, list):
        return [tree(value) for value in given]
    return template(given) if isinstance(given, str) else given


def templates_in(read: Any) -> list[Template]:
    """Return the templates of a tree that was read."""
    if isinstance(read, Template):
        return [read]
    values = read.values() if isinstance(read, dict) else read if isinstance(read, list) else ()
    return [each for value in values for each in templates_in(value)]


def filled(read: Any, values: Mapping[str, str]) -> Any:
    """Return the tree with its templates filled in."""
    if isinstance(read, Template):
        text = read.fill(values)
        return int(text) if read.is_number else text
    if isinstance(read, dict):
        return {key: filled(value, values) for key, value in read.items()}
    return [filled(value, values) for value in read] if isinstance(read, list) else read


def values_of(
    submission: Submission, segments: Segments, now: int, receipt_url: str, secrets: Mapping[str, str]
) -> dict[str, str]:
    """Return what the placeholders stand for; `now` in ms since 1970."""
    seconds = max(1, (submission.expires_at - now) // 1000)
    return {
        "recipient": submission.recipient,
        "sender": submission.sender,
        "text": segments.text,
        "reference": str(submission.job_id),
        "coding": str(_GSM_CODING if segments.is_gsm else _UCS2_CODING),
        "alphabet": "GSM" if segments.is_gsm else "UCS2",
        "parts": str(len(segments.parts)),
        "validity_seconds": str(seconds),
        "validity_minutes": str(max(1, seconds // 60)),
        "receipt_url": receipt_url,
        **{f"{_SECRETS}{name}": secret for name, secret in secrets.items()},
    }


Text = Annotated[Template, PlainValidator(template)]
Tree = Annotated[Any, PlainValidator(tree)]
