"""Expressions in JMESPath: where in an answer or in a call of a carrier something stands."""

from typing import Annotated, Any

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import PlainValidator

_REPLACEMENT = "\ufffd"
_EXACT = 2.0**53


class Expression:
    """Finds something in a tree; what cannot be found is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._compiled = jmespath.compile(text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def find(self, tree: Any) -> Any:
        """Return what stands there, or none."""
        try:
            return self._compiled.search(tree)
        except JMESPathError:
            # A function that met another type than it takes.
            return None

    def texts(self, tree: Any) -> tuple[str, ...]:
        """Return the texts and numbers that stand there, one or many, as texts."""
        found = self.find(tree)
        several = found if isinstance(found, list) else [found]
        return tuple(text for each in several if (text := _text(each)))

    def text_in(self, tree: Any) -> str | None:
        """Return the one text or number that stands there, as a text."""
        return _text(self.find(tree))


def _text(found: Any) -> str | None:
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return None
    # The last digits of such a number are lost, and another one's may be the same.
    if isinstance(found, float) and abs(found) >= _EXACT:
        return None
    # Postgres has no text with such a character.
    return str(found).replace("\0", _REPLACEMENT)


def expression(text: object) -> Expression:
    """Read an expression; raise `ValueError` for one that JMESPath does not know."""
    if not isinstance(text, str):
        raise ValueError("no expression")  # noqa: TRY004 - what validates takes ValueError only
    try:
        return Expression(text)
    except JMESPathError as error:
        raise ValueError(f"no JMESPath expression: {str(error).splitlines()[0]}") from None


Found = Annotated[Expression, PlainValidator(expression)]
