"""Media types as headers write them: `Content-Type`, and the ranges of `Accept`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

_REMEMBERED = 256  # clients send few different headers
_QUOTED = r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)'
_BETWEEN_COMMAS = re.compile(rf'(?:[^",]|{_QUOTED})+')
_BETWEEN_SEMICOLONS = re.compile(rf'(?:[^";]|{_QUOTED})+')
_ESCAPED = re.compile(r"\\(.)")
_TOKEN = r"[!#$%&'*+.^_`|~0-9a-z-]+"  # noqa: S105 - the grammar of HTTP calls it so
_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}\Z")
_QUALITY = re.compile(r"(?:0?\.[0-9]{1,9}|0\.?|1(?:\.0{0,9})?)\Z")


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type in lower case, its parameters unquoted; of a parameter given twice the first counts."""

    name: str
    parameters: Mapping[str, str]


@lru_cache(_REMEMBERED)
def media_type(header: str) -> MediaType:
    """Read one media type with its parameters; what is no parameter is skipped."""
    name, *rest = _BETWEEN_SEMICOLONS.findall(header) or [""]
    parameters: dict[str, str] = {}
    for part in rest:
        key, equals, value = part.partition("=")
        if equals:
            parameters.setdefault(key.strip().lower(), _unquoted(value.strip()))
    return MediaType(name.strip().lower(), parameters)


@lru_cache(_REMEMBERED)
def accepted(header: str) -> dict[str, float]:
    """Return the quality of each readable media range, the best where one is repeated; `*` is `*/*`."""
    ranges: dict[str, float] = {}
    for part in _BETWEEN_COMMAS.findall(header):
        entry = media_type(part)
        name = "*/*" if entry.name == "*" else entry.name
        quality = _quality(entry.parameters.get("q", "1"))
        if quality is not None and _is_range(name):
            ranges[name] = max(quality, ranges.get(name, 0.0))
    return ranges


def _is_range(name: str) -> bool:
    return bool(_TYPE.match(name)) and (name == "*/*" or not name.startswith("*"))


def _quality(text: str) -> float | None:
    return float(text) if _QUALITY.match(text) else None


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    return _ESCAPED.sub(r"\1", value[1:].removesuffix('"'))
