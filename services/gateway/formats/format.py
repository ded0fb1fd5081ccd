"""The two formats of the API."""

from enum import Enum


class Format(Enum):
    """A format; its value is the Content-Type of answers in it."""

    JSON = "application/json; charset=utf-8"
    XML = "application/xml; charset=utf-8"
