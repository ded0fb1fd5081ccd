"""Ids of carriers, short enough for an index."""

_LONGEST = 255


def known_id(text: str) -> str:
    """Return an id as it is kept, the same in an answer and in a receipt."""
    return text.strip()[:_LONGEST]
