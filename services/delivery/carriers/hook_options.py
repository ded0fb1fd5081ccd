"""How a carrier's calls are read: receipts and inbound messages.

Expressions see a call as `query`, `form`, `headers` (names in lower case) and `json`; with `items`, also each of the
things that it brings as `item`.
"""

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, SecretStr, field_validator, model_validator

from services.delivery.carriers.carrier import ReceiptState
from services.delivery.carriers.expressions import Found
from services.delivery.carriers.options import Table
from services.delivery.carriers.secret_sources import Secret

# Of such characters, so that a secret may stand in a URL that a carrier calls.
_SECRET = re.compile(r"[A-Za-z0-9._~-]{16,200}\Z")


def _long_enough(secret: SecretStr) -> SecretStr:
    if not _SECRET.match(secret.get_secret_value()):
        raise ValueError("a webhook's secret is 16 to 200 letters, digits, dots, hyphens and underscores")
    return secret


class Hook(Table):
    """What receipts and inbound messages have in common; `secret_in` is where the carrier says the secret."""

    secret: Annotated[Secret, AfterValidator(_long_enough)]
    secret_in: Found
    items: Found | None = None
    reply: str = ""
    # What stands before the secret, as in `Authorization: Bearer ...`.
    secret_prefix: str = ""


class ReceiptHook(Hook):
    """Where a receipt says what; `states` are those of the carrier, and any other is not final."""

    id: Found
    state: Found
    states: dict[str, ReceiptState]
    number: Found | None = None
    reason: Found | None = None
    at: Found | None = None

    @field_validator("states", mode="before")
    @classmethod
    def _any_case(cls, given: Any) -> Any:
        return {str(key).lower(): value for key, value in given.items()} if isinstance(given, dict) else given


class InboundHook(Hook):
    """Where a message to one of our numbers says what; without an id, one is made of all that it says.

    `charset` is where a call says in what its text is encoded, if not in UTF-8, as names that Python knows.
    """

    sender: Found
    destination: Found
    text: Found
    id: Found | None = None
    at: Found | None = None
    charset: Found | None = None

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        # Who says the same twice would else say it once.
        if self.id is None and self.at is None:
            raise ValueError("either id or at")
        return self
