"""The file of carriers: read whole, or every error in it is told."""

import re
from pathlib import Path

import pytest

import services.delivery
from services.delivery.carrier_file import CarrierFileError, parse_carrier_file, read_carrier_file
from services.delivery.carriers.hook_options import InboundHook, ReceiptHook
from services.delivery.carriers.http_options import Answer, HttpOptions
from services.delivery.carriers.options import ConsoleOptions, Table, Tls
from services.delivery.carriers.templates import PLACEHOLDERS
from services.delivery.guards import Cap, Guards
from services.delivery.opt_out import OptOutWords
from services.delivery.senders import Senders

GOOD = """
public_url = "https://sms.example/"
[carriers.one]
kind = "console"
sender = "43699000009"
[carriers.two]
kind = "http"
url = "http://127.0.0.1:1/"
unknown = "resend"
[[routes]]
prefix = "43"
carriers = [{ carrier = "one", weight = 3 }, "two"]
unknown = "fail"
[[routes]]
carriers = ["two"]
fallback = ["one"]
[guards]
parts = 3
countries = ["AT", "DE"]
senders = [{ countries = ["AT"], kinds = ["numeric"], names = ["Firm", "12345"] }, { kinds = ["alphanumeric"] }]
caps = [{ prefix = "43", parts = 100 }]
[opt_out]
languages = ["en", "de"]
stop = ["HALT"]
"""
BAD = """
colour = "red"
public_url = "ftp://a.example"
[carriers.One]
kind = "console"
[carriers.two]
kind = "smoke"
[carriers.three]
kind = "http"
url = "nowhere"
window = 0
[[routes]]
prefix = "+43"
carriers = ["three"]
[[routes]]
carriers = ["four", "three", "three"]
[[routes]]
prefix = "44"
carriers = ["three"]
unknown = "maybe"
[[routes]]
carriers = ["three"]
[guards]
parts = 0
countries = ["XX", "at"]
senders = [
  { countries = ["YY"], kinds = ["vanity"], names = ["longer than eleven"] },
  { countries = ["AT"] },
]
caps = [{ prefix = "43", parts = 1 }, { prefix = "43", parts = 2 }]
[opt_out]
languages = ["tlh"]
"""


def test_a_good_file_is_read() -> None:
    file = parse_carrier_file(GOOD)
    assert list(file.carriers) == ["one", "two"]
    assert file.carriers["two"].unknown == "resend"
    assert file.routes.choose("1555", "1", ()) == "two"
    assert file.routes.choose("1555", "1", ["two"]) == "one"
    assert (file.routes.unknown("431", "1"), file.routes.unknown("1555", "1")) == ("fail", None)
    assert file.guards.parts == 3
    assert file.opt_out.meaning("halt") is True
    assert file.public_url == "https://sms.example"


def test_every_error_is_told() -> None:
    with pytest.raises(CarrierFileError) as error:
        parse_carrier_file(BAD)
    assert str(error.value).splitlines() == [
        "colour: there is no such table",
        "carriers.One: a name is of small letters, digits and hyphens, 32 at most",
        "carriers.two: its kind is none of console, http, smpp",
        "carriers.three.window: Input should be greater than or equal to 1",
        "carriers.three.url: no URL that begins with http:// or https://, without a user and a fragment",
        "routes.1.prefix: String should match pattern '^[0-9]{0,15}$'",
        "routes.2: there is no carrier 'four'",
        "routes.2: 'three' stands there twice",
        "routes.3.unknown: Input should be 'resend' or 'fail'",
        "routes: two for prefix '' and one sender",
        "guards.parts: Input should be greater than or equal to 1",
        "guards.countries: no country XX, at; codes are such as AT",
        "guards.senders.0.countries: no country YY; codes are such as AT",
        "guards.senders.0.kinds.0: Input should be 'numeric', 'short' or 'alphanumeric'",
        "guards.senders.0.names.0: String should match pattern '^([0-9]{3,15}|(?=.*[A-Za-z])[A-Za-z0-9 ._-]{1,11})$'",
        "guards.senders.1: neither kinds nor names; to send nothing, leave the country out of guards.countries",
        "guards.caps: two for one prefix",
        "opt_out.languages: no words for tlh; there are en, fr, de, es, it, nl, pt, pl, sv",
        "public_url: no URL that begins with http:// or https://",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "carriers: there is none\nroutes: there is none"),
        ("[carriers", "no TOML"),
        ("carriers = 1\nroutes = 2", "carriers: there is none\nroutes: there is none"),
        (
            "[carriers]\none = 1\n[[routes]]\ncarriers = ['one']",
            "carriers.one: its kind is none of console, http, smpp",
        ),
        ("[carriers.one]\nkind = ['http']\n[[routes]]\ncarriers = ['one']", "carriers.one: its kind is none of"),
        ("routes = [1]\n[carriers.one]\nkind = 'console'", "routes.1: Input should be a valid dictionary"),
        ("guards = 1\nroutes = [{carriers = ['one']}]\n[carriers.one]\nkind = 'console'", "guards: Input should be"),
    ],
)
def test_whatever_it_is_it_is_told(text: str, reason: str) -> None:
    with pytest.raises(CarrierFileError) as error:
        parse_carrier_file(text)
    assert reason in str(error.value)


def test_senders_of_one_country_are_said_once() -> None:
    for_countries = "{countries = ['AT', 'DE'], kinds = ['short']}, {countries = ['DE'], names = ['Firm']}"
    for_others = "{kinds = ['short']}, {kinds = ['numeric']}"
    rest = "routes = [{carriers = ['one']}]\n[carriers.one]\nkind = 'console'"
    with pytest.raises(CarrierFileError) as error:
        parse_carrier_file(f"guards = {{senders = [{for_countries}, {for_others}]}}\n{rest}")
    assert str(error.value) == "guards.senders: two for all other countries, DE"


def test_no_value_is_shown() -> None:
    secret = "[carriers.one]\nkind = 'http'\nurl = 'http://u:hunter2@a.example'\nsecrets = { key = 'hunter2' }"
    with pytest.raises(CarrierFileError) as error:
        parse_carrier_file(secret)
    assert "hunter2" not in str(error.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CarrierFileError, match="FileNotFoundError"):
        read_carrier_file(tmp_path / "none.toml")


def test_everything_that_the_file_may_say_is_documented() -> None:
    document = (Path(services.delivery.__file__).parent / "README.md").read_text()
    models: tuple[type[Table], ...] = (
        ConsoleOptions, HttpOptions, Answer, Tls, ReceiptHook, InboundHook, Guards, Cap, Senders, OptOutWords
    )  # fmt: skip
    names = {name for model in models for name in model.model_fields} | PLACEHOLDERS
    quoted = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`[^`\n]+`", document))))
    assert names - quoted == set()
