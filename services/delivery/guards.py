"""Guards: what must not be sent, whatever an account asks for."""

from pydantic import Field

from services.delivery.carriers.options import Table

_PREFIX = r"^[0-9]{0,15}$"


class Cap(Table):
    """How many parts each account may send in a day (UTC) to numbers that begin with `prefix`."""

    prefix: str = Field(default="", pattern=_PREFIX)
    parts: int = Field(ge=0, le=2**31 - 1)


class Guards(Table):
    """The limits of the file; `countries` are ISO codes such as AT, and none means all."""

    stopped: bool = False
    parts: int = Field(default=10, ge=1, le=255)
    countries: tuple[str, ...] = ()
    caps: tuple[Cap, ...] = ()
    opt_out: tuple[str, ...] = ()
