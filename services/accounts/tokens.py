"""Secrets that we give out, tokens and API keys: random, and kept only as a digest."""

import hashlib
import secrets

_BYTES = 32


def new_secret() -> str:
    """Return 256 random bits as text that fits into a URL."""
    return secrets.token_urlsafe(_BYTES)


def digest(secret: str) -> bytes:
    """Return what is stored of a secret: a SHA-256 is enough, since nobody can guess 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()
