"""What every carrier's table in the file of carriers may say."""

import ssl
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.delivery.carriers.carrier import Refusal, UnknownPolicy

# What carriers grant a new customer.
_RATE = 10.0
_WINDOW = 10
PREFIX = r"^[0-9]{0,15}$"
SENDER = r"^([0-9]{3,15}|(?=.*[A-Za-z])[A-Za-z0-9 ._-]{1,11})$"
# What an answer means, where the file says it of a carrier's codes.
Verdict = Refusal | Literal["unknown"]


class Table(BaseModel):
    """A table of the file: nothing in it that is not known, and no value of it in an error."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, regex_engine="python-re", arbitrary_types_allowed=True
    )


class Tls(Table):
    """Certificates as files; without them the authorities of the machine are believed."""

    authorities: str | None = None
    certificate: str | None = None
    key: str | None = None

    def context(self) -> ssl.SSLContext:
        """Load them; raise `OSError` or `ValueError` where that fails."""
        context = ssl.create_default_context(cafile=self.authorities)
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key)
        return context

    @model_validator(mode="after")
    def _loads(self) -> Self:
        try:
            self.context()
        except OSError as error:
            raise ValueError(f"certificates cannot be loaded: {type(error).__name__}") from None
        return self


class Options(Table):
    """What carriers of every kind have; `sender` takes the place of a message's own."""

    kind: str
    rate: float = Field(default=_RATE, gt=0, le=10_000, allow_inf_nan=False)
    window: int = Field(default=_WINDOW, ge=1, le=1000)
    # Without a policy nothing is sent twice.
    unknown: UnknownPolicy = "fail"
    # For so long a late answer or a receipt may say what nobody knew; only what can be told waits.
    unknown_wait_seconds: float = Field(default=60.0, ge=0, le=86_400)
    # When it is away for so long, what waits for it goes to another carrier of its route.
    fallback_after_seconds: float = Field(default=60.0, ge=0, le=86_400)
    sender: str | None = Field(default=None, pattern=SENDER)


class ConsoleOptions(Options):
    """The carrier for development takes as much as it gets."""

    rate: float = 1000.0
    window: int = 100
    unknown: UnknownPolicy = "resend"
