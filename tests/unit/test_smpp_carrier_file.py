"""The table of an SMPP carrier: what it may say, how statuses, senders and times are written."""

from pathlib import Path

import pytest

from services.delivery.carrier_file import CarrierFileError, parse_carrier_file
from services.delivery.carriers.carrier import Refusal
from services.delivery.carriers.kinds import gives_receipts
from services.delivery.carriers.smpp import statuses
from services.delivery.carriers.smpp.addresses import number, source
from services.delivery.carriers.smpp.backoff import Backoff
from services.delivery.carriers.smpp.codec import Address
from services.delivery.carriers.smpp.options import SmppOptions
from services.delivery.carriers.smpp.parts import validity

README = Path(__file__).parents[2] / "README.md"
FILE = """
[carriers.one]
kind = "smpp"
host = "smsc.example.org"
system_id = "us"
password = "env:SMPP_PASSWORD"
{}
[[routes]]
carriers = ["one"]
"""


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMPP_PASSWORD", "a password of more than eight")


def read(lines: str = "") -> SmppOptions:
    options = parse_carrier_file(FILE.format(lines)).carriers["one"]
    assert isinstance(options, SmppOptions)
    return options


def test_what_is_not_said() -> None:
    options = read()
    assert (options.port, options.bind, options.binds, options.tls) == (2775, "transceiver", 1, None)
    assert (options.rate, options.window, options.unknown) == (10, 10, "fail")
    assert gives_receipts(options)
    assert "password of" not in repr(options)


def test_the_ten_lines_of_the_readme() -> None:
    """They are what a newcomer copies."""
    section = README.read_text().partition("## SMPP in ten lines")[2].partition("\n## ")[0]
    carriers = parse_carrier_file(section.partition("```toml\n")[2].partition("```")[0]).carriers
    assert isinstance(carriers["smsc"], SmppOptions)


def test_a_carrier_without_receipts() -> None:
    assert not gives_receipts(read("registered_delivery = 0"))


def test_statuses_as_manuals_have_them() -> None:
    assert read('statuses = { 0x400 = "account", 1025 = "permanent" }').statuses == {
        0x400: Refusal.ACCOUNT, 0x401: Refusal.PERMANENT,
    }  # fmt: skip


@pytest.mark.parametrize(
    "lines",
    [
        'statuses = { OX400 = "account" }',
        'statuses = { 0 = "permanent" }',
        'statuses = { 0x400 = "perhaps" }',
        'statuses = "none"',
        'bind = "both"',
        "binds = 0",
        'system_type = "longer than 12 characters"',
        'system_type = "ä"',
        "source = { numeric = [1, 256] }",
        'tls = { authorities = "/no/such/file" }',
        "port = 70000",
        'receipt_ids = "other"',
        'passwort = "env:X"',
    ],
)
def test_errors(lines: str) -> None:
    with pytest.raises(CarrierFileError):
        read(lines)


@pytest.mark.parametrize("password", ["x" * 65, "ä", "a\0b"])
def test_passwords_that_no_pdu_holds(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setattr("os.environ", {"SMPP_PASSWORD": password})
    with pytest.raises(CarrierFileError) as error:
        read()
    assert password not in str(error.value)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0x58, Refusal.SLOW_DOWN),
        (0x14, Refusal.FULL),
        *[(each, Refusal.TEMPORARY) for each in (0x08, 0x45, 0x64, 0xFE, 0xFF, 0x400, 0x4FF, 0xFFFF)],
        *[(each, Refusal.PERMANENT) for each in (0x01, 0x0A, 0x0B, 0x43, 0x48, 0x51, 0x62, 0x65, 0x66, 0xC4)],
        *[(each, Refusal.ACCOUNT) for each in (0x04, 0x05, 0x0D, 0x0E, 0x0F)],
    ],
)
def test_what_statuses_mean(status: int, expected: Refusal) -> None:
    assert statuses.verdict(status, {}) is expected
    assert statuses.verdict(status, {status: Refusal.PERMANENT}) is Refusal.PERMANENT


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("436990000001", Address("436990000001", 1, 1)),
        ("12345", Address("12345", 3, 0)),
        ("Firm 24", Address("Firm 24", 5, 0)),
    ],
)
def test_senders_are_typed_by_their_form(sender: str, expected: Address) -> None:
    assert source(sender, (1, 1), (3, 0), (5, 0)) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (Address("436990000001", 1, 1), "436990000001"),
        (Address("+436990000001", 0, 0), "436990000001"),
        (Address("00436990000001", 0, 0), "436990000001"),
        (Address("4306990000001", 1, 1), "436990000001"),
        (Address("12345", 3, 0), "12345"),
        (Address("Firm 24", 5, 0), "Firm 24"),
        (Address("12345", 5, 0), "12345"),
        (Address("٤٣", 1, 1), "٤٣"),
    ],
)
def test_numbers_are_read_in_their_one_form(address: Address, expected: str) -> None:
    assert number(address) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (172_800, "000002000000000R"),
        (90_061, "000001010101000R"),
        (59, "000000000059000R"),
        (0, "000000000001000R"),
        (30 * 86_400, "000030000000000R"),
    ],
)
def test_times_from_now_on(seconds: int, expected: str) -> None:
    assert validity(seconds) == expected


def test_waits_become_longer_until_a_link_lasts() -> None:
    backoff = Backoff()
    waits = [backoff.after() for _ in range(20)]
    assert 0.25 <= waits[0] <= 0.5
    assert 1 <= waits[2] <= 2
    assert 30 <= waits[-1] <= 60
    assert backoff.after(lasted=31) <= 0.5


def test_wrong_passwords_wait_for_minutes_and_old_links_for_seconds() -> None:
    assert 30 <= Backoff().after(status=0x0E) <= 60
    assert 2.5 <= Backoff().after(status=0x05) <= 5
