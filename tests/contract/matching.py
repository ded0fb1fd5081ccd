"""Answers against what a case expects of them, and the names by which a case speaks of values."""

import time
from typing import Any

from tests.contract.case_formats import Tree

_FRESH_MS = 60_000
_DIGITS = "0123456789"
_MAKERS = {"$joined", "$repeat", "$times", "$range"}
_VIEWS = {"$length", "$ids"}


class Names:
    """The values that a case has names for: `$name` is bound by the first answer that has it.

    Names that differ in their number alone, such as `$id1` and `$id2`, stand for different values.
    """

    def __init__(self, bound: Tree) -> None:
        self._bound = bound

    def filled(self, value: Any) -> Any:
        """Return a value of a request with its names and its short forms filled in."""
        if isinstance(value, dict):
            if value.keys() & _MAKERS:
                return self._made(value)
            return {key: self.filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.filled(each) for each in value]
        return self._bound.get(value, value) if isinstance(value, str) else value

    def match(self, expected: Any, found: Any, where: object) -> None:
        """Assert that an answer is what was expected."""
        if isinstance(expected, dict) and not expected.keys() & (_MAKERS | _VIEWS):
            assert isinstance(found, dict), where
            assert expected.keys() == found.keys(), (where, found)
            for key, value in expected.items():
                self.match(value, found[key], where)
        elif isinstance(expected, dict) and "$ids" in expected:
            self.match(expected["$ids"], [each["messageId"] for each in found], where)
        elif isinstance(expected, list):
            assert len(expected) == len(found), (where, found)
            for value, other in zip(expected, found, strict=True):
                self.match(value, other, where)
        else:
            self._match_leaf(expected, found, where)

    def _match_leaf(self, expected: Any, found: Any, where: object) -> None:
        if isinstance(expected, dict) and "$length" in expected:
            assert len(found) == expected["$length"], where
        elif expected == "<now>":
            assert abs(time.time() * 1000 - found) < _FRESH_MS, where
        elif isinstance(expected, str) and expected.startswith("$"):
            self._bind(expected, found, where)
        elif expected != "<any>":
            wanted = self.filled(expected)
            assert (type(found), found) == (type(wanted), wanted), where

    def _bind(self, name: str, found: Any, where: object) -> None:
        sort = name.rstrip(_DIGITS)
        taken = [
            key for key, value in self._bound.items() if (key.rstrip(_DIGITS), value) == (sort, found) and key != name
        ]
        assert not taken, (where, f"{name} is the same as {taken}")
        assert self._bound.setdefault(name, found) == found, where

    def _made(self, maker: Tree) -> Any:
        if "$joined" in maker:
            return "".join(map(self.filled, maker["$joined"]))
        if "$repeat" in maker:
            text, times = maker["$repeat"]
            return text * times
        if "$times" in maker:
            entry, times = maker["$times"]
            return [self.filled(entry)] * times
        first, last = maker["$range"]
        return list(range(first, last + 1))
