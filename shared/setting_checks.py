"""What a setting that is no number may be: checks for the table of settings, which raise `ValueError`."""

import re
import ssl
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

Check = Callable[[Any], object]


def one_of(*words: str) -> Check:
    """Take these words, in any case."""

    def check(text: str) -> None:
        if text.lower() not in {word.lower() for word in words}:
            raise ValueError(f"{text!r} is none of {', '.join(words)}")

    return check


def fitting(pattern: str, meaning: str) -> Check:
    """Take a text that all of a pattern fits."""

    def check(text: str) -> None:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"{text!r} is not made of {meaning}")

    return check


def each(read: Callable[..., object], **options: Any) -> Check:
    """Take a list whose items can be read."""

    def check(texts: Iterable[str]) -> None:
        for text in texts:
            read(text, **options)

    return check


def certificates(path: str) -> None:
    """Take the path of a file with certificates of authorities, or none."""
    if path:
        try:
            ssl.create_default_context(cafile=path)
        except (OSError, ssl.SSLError) as error:
            raise ValueError(f"no certificates can be read from {path!r}: {error}") from None


def url(*schemes: str, empty: bool = False, options: bool = True) -> Check:
    """Take a URL of these schemes; the error does not show it, since it may hold a password."""

    def check(text: str) -> None:
        if empty and not text:
            return
        try:
            parts = urlsplit(text)
            several = "," in parts.netloc  # hosts that stand in for each other, as Postgres knows them
            readable = parts.scheme in schemes and (several or parts.port is None or bool(parts.hostname))
        except ValueError:
            readable = False
        if readable and not options and parts.query:
            raise ValueError("options behind a question mark are not taken")
        if not readable:
            raise ValueError(f"no URL that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}")

    return check
