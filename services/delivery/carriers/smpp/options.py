"""What the table of an SMPP carrier may say."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator

from services.delivery.carriers.options import Options, Table, Tls, Verdict
from services.delivery.carriers.secret_sources import Secret

_PORT = 2775
_MOST_STATUS = 0xFFFFFFFF
_MOST_PASSWORD = 64
# The longest that the relative form says in days alone.
_MOST_VALIDITY = 30 * 86_400

Mode = Literal["transceiver", "pair"]
Long = Literal["udh", "payload", "sar"]
Alphabet = Literal["gsm", "latin1"]
# In which base the answer gives an id and in which its receipt.
Ids = Literal["same", "hex_to_decimal", "decimal_to_hex"]
_Octet = Annotated[int, Field(ge=0, le=255)]
_Plan = tuple[_Octet, _Octet]


def _ascii(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise ValueError("not of printable ASCII")
    return text


def _fits(secret: SecretStr) -> SecretStr:
    text = _ascii(secret.get_secret_value())
    if len(text) > _MOST_PASSWORD:
        raise ValueError(f"longer than {_MOST_PASSWORD} characters")
    return secret


_Ascii = Annotated[str, AfterValidator(_ascii)]


class LinkTls(Tls):
    """TLS of a link; `server_name` is the name in the carrier's certificate, its host if not said."""

    server_name: str | None = None


class Sources(Table):
    """Type (TON) and plan (NPI) of senders, by their form."""

    numeric: _Plan = (1, 1)
    short: _Plan = (3, 0)
    alphanumeric: _Plan = (5, 0)


class SmppOptions(Options):
    """Links of our own to the carrier, over which receipts and messages come back; `rate` and `window` are of each."""

    host: str = Field(min_length=1)
    port: int = Field(default=_PORT, ge=1, le=65_535)
    tls: LinkTls | None = None
    system_id: _Ascii = Field(min_length=1, max_length=15)
    password: Annotated[Secret, AfterValidator(_fits)]
    system_type: _Ascii = Field(default="", max_length=12)
    bind: Mode = "transceiver"
    binds: int = Field(default=1, ge=1, le=32)
    enquire_seconds: float = Field(default=30.0, ge=0.05, le=600)
    answer_seconds: float = Field(default=10.0, ge=0.05, le=30)
    connect_seconds: float = Field(default=10.0, ge=0.05, le=60)
    service_type: _Ascii = Field(default="", max_length=5)
    source: Sources = Sources()
    destination: _Plan = (1, 1)
    long: Long = "udh"
    alphabet: Alphabet = "gsm"
    data_coding: int = Field(default=0, ge=0, le=255)
    parts: int = Field(default=10, ge=1, le=255)
    validity_seconds: int = Field(default=_MOST_VALIDITY, ge=60, le=_MOST_VALIDITY)
    registered_delivery: int = Field(default=1, ge=0, le=31)
    user_message_reference: bool = False
    receipt_ids: Ids = "same"
    receipt_numbers: bool = True
    statuses: dict[int, Verdict] = Field(default_factory=dict)

    @field_validator("statuses", mode="before")
    @classmethod
    def _numbers(cls, given: Any) -> Any:
        # A key of TOML is a text; manuals have hexadecimal numbers.
        try:
            read = {int(str(key), 0): value for key, value in given.items()}
        except (AttributeError, ValueError):
            raise ValueError("no table of statuses such as 0x400") from None
        if not all(0 < key <= _MOST_STATUS for key in read):
            raise ValueError("no table of statuses such as 0x400")
        return read

    @property
    def gives_references(self) -> bool:
        """Whether a receipt may say our own reference."""
        return self.user_message_reference and self.gives_receipts

    @property
    def gives_receipts(self) -> bool:
        return bool(self.registered_delivery & 0x03)
