"""Storable: what comes from carriers is any text at all, and Postgres does not take every one."""


def storable(text: str) -> str:
    """Return a text without null characters and halves of characters, which become U+FFFD."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\0", "\ufffd")
