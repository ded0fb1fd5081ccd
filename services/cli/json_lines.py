"""JSON Lines as the output of a command, in UTF-8 whatever the terminal's own encoding is."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import typer

from shared.command_line import CommandFailed


class _OutputFailed(Exception):  # noqa: N818 - it is what happened
    """The output takes no more. No `OSError`, which among database calls would be a database that is away."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(reason)
        self.reason = reason


@contextmanager
def opened(path: Path | None) -> Iterator[BinaryIO]:
    """Give standard output, or a new file that only its owner may read and that stays only when it is whole.

    What cannot be written ends the command: quietly where nobody reads any more, else with `CommandFailed`.
    """
    try:
        if path is None:
            yield sys.stdout.buffer
            _flush(sys.stdout.buffer)
        else:
            with _new_file(path) as stream:
                yield stream
                _flush(stream)
    except _OutputFailed as error:
        if isinstance(error.reason, BrokenPipeError):
            raise typer.Exit(1) from None
        raise CommandFailed(f"cannot write {path or 'to standard output'}: {error.reason.strerror}") from None


def write(stream: BinaryIO, row: dict[str, Any]) -> None:
    """Write one line."""
    try:
        stream.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    except OSError as error:
        raise _failed(stream, error) from error


def _flush(stream: BinaryIO) -> None:
    try:
        stream.flush()
    except OSError as error:
        raise _failed(stream, error) from error


def _failed(stream: BinaryIO, reason: OSError) -> _OutputFailed:
    # What is still buffered must not fail again when the stream is closed.
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
    return _OutputFailed(reason)


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
    except OSError as error:
        raise _OutputFailed(error) from error
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
    except BaseException:
        path.unlink()
        raise
