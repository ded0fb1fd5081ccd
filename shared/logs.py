"""Logs: one JSON object a line. No message body, phone number or secret may reach a log.

An exception is logged by its type and the places it came through, never by its text: the text of a database error,
for one, quotes the row.
"""

import logging
import sys
import traceback
from typing import Any

import orjson

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_QUIET = ("aio_pika", "aiormq", "aiohttp", "asyncio")


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON line: time, level, role, logger, event and the record's extra fields."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "role": self._role,
            "logger": record.name,
            "event": record.getMessage(),
        }
        fields |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info and record.exc_info[1]:
            fields |= _exception(record.exc_info[1])
        return orjson.dumps(fields, default=str).decode()


def _exception(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)
    found: dict[str, Any] = {
        "error": type(error).__qualname__,
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    sqlstate = getattr(error, "sqlstate", None)
    return found | {"sqlstate": sqlstate} if sqlstate else found


def configure(role: str, level: str) -> None:
    """Send every log of this process to standard error; below WARNING libraries log whole messages, so they are cut."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(role))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
