"""Why TLS was refused is found behind other errors, wherever their chain ends."""

import ssl

from shared.tls import refusal


def test_the_reason_is_found_behind_other_errors() -> None:
    error, cause = ConnectionError("away"), ssl.SSLError(1, "handshake")
    cause.reason = "WRONG_VERSION_NUMBER"
    error.__context__ = OSError("closed")
    error.__context__.__cause__ = cause
    assert refusal(error) == "TLS failed: WRONG_VERSION_NUMBER"


def test_errors_that_came_from_each_other_end() -> None:
    one, other = ConnectionError("one"), ConnectionError("other")
    one.__cause__, other.__cause__ = other, one
    assert refusal(one) is None
