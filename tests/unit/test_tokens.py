"""Secrets that are given out."""

import base64
import hashlib

from services.accounts.tokens import digest, new_secret


def test_secret_is_256_bits_as_url_safe_text() -> None:
    secret = new_secret()
    assert len(base64.urlsafe_b64decode(secret + "=")) == 32
    assert secret != new_secret()


def test_digest_is_the_sha256_of_the_text() -> None:
    assert digest("abc") == hashlib.sha256(b"abc").digest()
    assert digest("ü") == hashlib.sha256("ü".encode()).digest()
