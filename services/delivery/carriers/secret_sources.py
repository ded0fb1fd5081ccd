"""Secrets of carriers: a file of carriers names where each is, and never holds one."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import PlainValidator, SecretStr

_LINE_BREAKS = "\r\n\0"


def secret(source: object) -> SecretStr:
    """Read the secret at `env:NAME` or `file:/path`; raise `ValueError` where there is none."""
    kind, _, place = source.partition(":") if isinstance(source, str) else ("", "", "")
    if kind == "env":
        found = os.environ.get(place, "")
    elif kind == "file":
        found = _content(place)
    else:
        raise ValueError("a secret is env:NAME or file:/path")
    if not found or any(each in found for each in _LINE_BREAKS):
        raise ValueError(f"no secret of one line in {kind}:{place}")
    return SecretStr(found)


def _content(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise ValueError(f"{path}: {type(error).__name__}") from None


Secret = Annotated[SecretStr, PlainValidator(secret)]
