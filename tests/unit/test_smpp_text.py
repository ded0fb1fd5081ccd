"""Texts of SMPP: octets held against another implementation of GSM's alphabet, cut where no character is broken."""

import gsm0338
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.carriers.smpp import gsm, text
from services.delivery.carriers.smpp.codec import Address, Deliver
from services.delivery.carriers.smpp.options import Alphabet, Long
from services.delivery.carriers.smpp.text import Piece, Place, cut, pieces, read
from services.delivery.segments import segments

_GSM = gsm0338.Codec()
_TEXTS = st.text(st.sampled_from("aé€[]~ΔÇ\n\r\fäß@ 漢😀ö`"), max_size=400)
_GSM_TEXTS = st.text(st.sampled_from("aé€[]~ΔÇ\n\r\fäß@ ^{}\\|"), max_size=400)
_ADDRESS = Address("436990000002", 1, 1)


def of(told: str, long: Long = "udh", alphabet: Alphabet = "gsm", coding: int = 0) -> list[Piece]:
    return pieces(cut(told, 0, alphabet), 7, long, alphabet, coding)


def deliver(octets: bytes, esm_class: int = 0, options: dict[int, bytes] | None = None) -> Deliver:
    return Deliver(_ADDRESS, _ADDRESS, octets, 0, esm_class, options or {})


@given(_GSM_TEXTS)
def test_octets_are_those_of_another_implementation(told: str) -> None:
    octets = gsm.encode(told)
    assert octets == _GSM.encode(told)[0]
    assert gsm.decode(octets) == told


def test_every_octet_is_read_as_another_implementation_reads_it() -> None:
    for octet in range(128):
        if octet != 0x1B:
            assert gsm.decode(bytes([octet])) == _GSM.decode(bytes([octet]))[0]


@pytest.mark.parametrize(
    ("octets", "told"),
    [(b"a\x1b", "a"), (b"\x1ba", "a"), (b"\x1b\x1b", " "), (b"\xff", "\ufffd"), (b"\x1b\x65", "€"), (b"", "")],
)
def test_octets_that_nobody_should_send(octets: bytes, told: str) -> None:
    assert gsm.decode(octets) == told


def test_a_character_that_the_alphabet_has_not() -> None:
    with pytest.raises(UnicodeError):
        gsm.encode("漢")
    with pytest.raises(UnicodeError):
        gsm.encode("\x1b")


@given(_TEXTS)
def test_parts_fit_and_make_the_text(told: str) -> None:
    cut = of(told)
    several = len(cut) > 1
    assert {piece.esm_class for piece in cut} == {text.UDH if several else 0}
    bodies = []
    for number, piece in enumerate(cut, 1):
        body, place = text.body(deliver(piece.octets, piece.esm_class))
        assert place == (Place(7, len(cut), number) if several else None)
        assert len(body) <= {(0, False): 160, (0, True): 153, (8, False): 140, (8, True): 134}[piece.coding, several]
        # A part that ended within a character could not be read alone.
        bodies.append(body.decode("utf-16-be") if piece.coding else _GSM.decode(body)[0])
    assert "".join(bodies) == segments(told).text
    assert "".join(read(text.body(deliver(each.octets, each.esm_class))[0], each.coding, "gsm") for each in cut) == (
        segments(told).text
    )


@pytest.mark.parametrize(("told", "count"), [("x" * 160, 1), ("x" * 161, 2), ("漢" * 70, 1), ("漢" * 71, 2), ("", 1)])
def test_how_many_parts(told: str, count: int) -> None:
    assert len(of(told)) == count


def test_a_long_text_in_one_payload() -> None:
    (piece,) = of("x" * 400, long="payload")
    assert (piece.octets, piece.esm_class, piece.options) == (b"", 0, ((0x0424, b"x" * 400),))
    assert text.body(deliver(b"", options=dict(piece.options))) == (b"x" * 400, None)


def test_parts_that_say_their_place_in_parameters() -> None:
    cut = of("x" * 200, long="sar")
    assert [(len(piece.octets), piece.esm_class) for piece in cut] == [(153, 0), (47, 0)]
    assert [text.body(deliver(each.octets, options=dict(each.options)))[1] for each in cut] == [
        Place(7, 2, 1), Place(7, 2, 2),
    ]  # fmt: skip


def test_carriers_whose_own_alphabet_is_latin() -> None:
    assert of("é{", alphabet="latin1", coding=3) == [Piece(b"\xe9{", 3)]
    assert of("é€", alphabet="latin1", coding=3) == [Piece("é€".encode("utf-16-be"), 8)]


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\5",
        b"\5\0\3\7\2",
        b"\5\0\3\7\2\3",
        b"\5\0\3\7\2\0",
        b"\5\0\3\7\0\0",
        b"\5\0\3\7\1\1",
        b"\4\0\2\7\2",
        b"\1\0",
    ],
)
def test_headers_that_say_no_place(header: bytes) -> None:
    assert text.body(deliver(header, text.UDH))[1] is None


def test_a_header_with_other_elements() -> None:
    ports = b"\x0b\5\4\0\1\0\2\0\3\7\2\1hello"
    assert text.body(deliver(ports, text.UDH)) == (b"hello", Place(7, 2, 1))


@pytest.mark.parametrize(
    ("octets", "coding", "told"),
    [
        (b"\0\x1b\x65", 0, "@€"),
        (b"\xe9", 3, "é"),
        ("漢😀".encode("utf-16-be"), 8, "漢😀"),
        (b"\x6f\x22\x00", 8, "漢\ufffd"),
        (b"\xd8\x3d", 8, "\ud83d"),
        (b"\xde\x00\0a", 8, "\ude00a"),
        (b"\xff", 1, "ÿ"),
        ("д".encode("iso8859-5"), 6, "д"),
        (b"\xff\x00", 4, "ÿ\0"),
        (b"\0", 0xF0, "@"),
        (b"\xe9", 0xF4, "é"),
        (b"\0", 77, "@"),
    ],
)
def test_codings(octets: bytes, coding: int, told: str) -> None:
    assert read(octets, coding, "gsm") == told


def test_a_carrier_that_means_latin_by_its_own_alphabet() -> None:
    assert read(b"\xe9", 0, "latin1") == "é"


@given(st.binary(max_size=300), st.integers(0, 255), st.integers(0, 255))
def test_no_octets_are_too_strange(octets: bytes, coding: int, esm_class: int) -> None:
    body, _ = text.body(deliver(octets, esm_class))
    assert isinstance(read(body, coding, "gsm"), str)
