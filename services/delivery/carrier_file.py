"""The file of carriers, in TOML: carriers, routes and guards; read whole, or every error in it is told."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field, ValidationError

from services.delivery.carriers.carrier import UnknownPolicy
from services.delivery.carriers.kinds import KINDS
from services.delivery.carriers.options import PREFIX, SENDER, Options, Table
from services.delivery.guards import Guards
from services.delivery.opt_out import OptOutWords
from services.delivery.routing import Route, Routes, Share
from shared.settings import SettingsError

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}\Z")
_TABLES = frozenset({"carriers", "routes", "guards", "opt_out", "public_url"})


class CarrierFileError(SettingsError):
    """What is wrong with the file, a line each; no value of it is shown."""


class CarrierFile(NamedTuple):
    """What the file says; `public_url` is where carriers reach the webhooks."""

    carriers: Mapping[str, Options]
    routes: Routes
    guards: Guards
    opt_out: OptOutWords
    public_url: str


class _Share(Table):
    carrier: str
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)


class _Route(Table):
    prefix: str = Field(default="", pattern=PREFIX)
    sender: str | None = Field(default=None, pattern=SENDER)
    carriers: list[_Share | str] = Field(min_length=1)
    fallback: list[str] = Field(default_factory=list)
    unknown: UnknownPolicy | None = None

    def names(self) -> list[str]:
        return [*(each if isinstance(each, str) else each.carrier for each in self.carriers), *self.fallback]

    def route(self) -> Route:
        shares = tuple(
            Share(each, 1.0) if isinstance(each, str) else Share(each.carrier, each.weight) for each in self.carriers
        )
        return Route(self.prefix, self.sender, shares, tuple(self.fallback), self.unknown)


def read_carrier_file(path: Path) -> CarrierFile:
    """Read the file; raise `CarrierFileError` that lists all that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise CarrierFileError(f"{path}: {type(error).__name__}") from None
    return parse_carrier_file(text)


def parse_carrier_file(text: str) -> CarrierFile:
    """Read the text of such a file."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CarrierFileError(f"no TOML: {error}") from None
    reading = _Reading(tables)
    found = CarrierFile(
        carriers=reading.carriers(),
        routes=reading.routes(),
        guards=reading.guards(),
        opt_out=reading.opt_out(),
        public_url=reading.public_url(),
    )
    if reading.errors:
        raise CarrierFileError("\n".join(reading.errors))
    return found


class _Reading:
    """Reads table by table, and goes on behind an error."""

    def __init__(self, tables: Mapping[str, Any]) -> None:
        self._tables = tables
        self.errors = [f"{name}: there is no such table" for name in sorted(tables.keys() - _TABLES)]

    def carriers(self) -> dict[str, Options]:
        given = self._table("carriers")
        if not given:
            self.errors.append("carriers: there is none")
        return {name: options for name, table in given.items() if (options := self._carrier(name, table))}

    def _carrier(self, name: str, table: Any) -> Options | None:
        where = f"carriers.{name}"
        kind = KINDS.get(str(table.get("kind"))) if isinstance(table, dict) else None
        if not _NAME.match(name):
            self.errors.append(f"{where}: a name is of small letters, digits and hyphens, 32 at most")
        if kind is None:
            self.errors.append(f"{where}: its kind is none of {', '.join(KINDS)}")
            return None
        options: Options | None = self._read(where, kind.options, table)
        return options

    def routes(self) -> Routes:
        given = self._tables.get("routes", [])
        if not isinstance(given, list) or not given:
            self.errors.append("routes: there is none")
            return Routes(())
        routes = [self._route(f"routes.{place}", table) for place, table in enumerate(given, 1)]
        read = [route.route() for route in routes if route]
        places = [(route.prefix, route.sender) for route in read]
        self.errors += [f"routes: two for prefix {each[0]!r} and one sender" for each in _repeated(places)]
        return Routes(read)

    def _route(self, where: str, table: Any) -> _Route | None:
        route: _Route | None = self._read(where, _Route, table)
        if route:
            unknown = sorted({*route.names()} - {*self._table("carriers")})
            self.errors += [f"{where}: there is no carrier {name!r}" for name in unknown]
            self.errors += [f"{where}: {name!r} stands there twice" for name in _repeated(route.names())]
        return route

    def guards(self) -> Guards:
        return self._read("guards", Guards, self._tables.get("guards", {})) or Guards()

    def opt_out(self) -> OptOutWords:
        return self._read("opt_out", OptOutWords, self._tables.get("opt_out", {})) or OptOutWords()

    def public_url(self) -> str:
        url = self._tables.get("public_url", "")
        if not isinstance(url, str) or (url and not re.match(r"https?://[^\s/?#@]+[^\s?#@]*\Z", url)):
            self.errors.append("public_url: no URL that begins with http:// or https://")
            return ""
        return url.rstrip("/")

    def _table(self, name: str) -> dict[str, Any]:
        given = self._tables.get(name, {})
        return given if isinstance(given, dict) else {}

    def _read(self, where: str, model: type[Table], table: Any) -> Any:
        try:
            return model.model_validate(table)
        except ValidationError as error:
            self.errors += _lines(where, error)
            return None


def _lines(where: str, error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join([where, *(str(part) for part in each["loc"])])
        yield f"{place}: {each['msg'].removeprefix('Value error, ')}"


def _repeated(items: list[Any]) -> list[Any]:
    return sorted({each for each in items if items.count(each) > 1}, key=str)
