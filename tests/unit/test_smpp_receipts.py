"""Receipts of SMPP: whatever a carrier leaves out or writes its own way, it is read as far as it can be."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.carriers.carrier import Receipt, ReceiptState
from services.delivery.carriers.smpp.codec import Address, Deliver
from services.delivery.carriers.smpp.options import Ids
from services.delivery.carriers.smpp.receipts import answer_id, is_receipt, receipt, receipt_id
from shared.contract import dates

_PHONE = Address("436990000002", 1, 1)
_OURS = Address("436990000001", 1, 1)
_AT = round(datetime(2026, 1, 2, 3, 4, tzinfo=UTC).timestamp() * 1000)
_WHOLE = "id:17 sub:001 dlvrd:001 submit date:2601020303 done date:2601020304 stat:DELIVRD err:000 text:hello"


def of(text: str, esm_class: int = 4, source: Address = _PHONE, **options: bytes) -> Deliver:
    tags = {int(tag[1:], 16): value for tag, value in options.items()}
    return Deliver(source, _OURS, text.encode("latin-1"), 0, esm_class, tags)


def read(text: str, **more: bytes) -> Receipt:
    found = receipt("one", of(text, **more), "same", numbers=True)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_a_whole_receipt() -> None:
    assert read(_WHOLE) == Receipt("one", "17", "436990000002", ReceiptState.DELIVERED, "DELIVRD 000", _AT + 59_999)


@pytest.mark.parametrize(
    ("text", "carrier_id", "state", "reason"),
    [
        (_WHOLE.lower(), "17", ReceiptState.DELIVERED, "delivrd 000"),
        (_WHOLE.upper(), "17", ReceiptState.DELIVERED, "DELIVRD 000"),
        ("id:17", "17", ReceiptState.INTERMEDIATE, ""),
        ("id:17 stat:UNDELIV", "17", ReceiptState.FAILED, "UNDELIV"),
        ("stat:REJECTD id:17 err:69B", "17", ReceiptState.FAILED, "REJECTD 69B"),
        ("id: 17 stat: EXPIRED", "17", ReceiptState.EXPIRED, "EXPIRED"),
        ("id:17 stat:DELETED err:not a number", "17", ReceiptState.FAILED, "DELETED not"),
        ("id:17 stat:ACCEPTD err:", "17", ReceiptState.INTERMEDIATE, "ACCEPTD"),
        ("id:17 stat:ENROUTE", "17", ReceiptState.INTERMEDIATE, "ENROUTE"),
        ("id:17 stat:UNKNOWN", "17", ReceiptState.INTERMEDIATE, "UNKNOWN"),
        ("id:17 stat:WHATEVER", "17", ReceiptState.INTERMEDIATE, "WHATEVER"),
        ("id:17 stat: err:001", "17", ReceiptState.INTERMEDIATE, "001"),
        ("id:17 text:stat:DELIVRD", "17", ReceiptState.INTERMEDIATE, ""),
        ("id:17 Text: id:18 stat:DELIVRD", "17", ReceiptState.INTERMEDIATE, ""),
    ],
)
def test_texts(text: str, carrier_id: str, state: ReceiptState, reason: str) -> None:
    found = read(text)
    assert (found.carrier_id, found.state, found.reason) == (carrier_id, state, reason)


@pytest.mark.parametrize("text", ["", "hello", "stat:DELIVRD", "id: stat:DELIVRD", "id:"])
def test_a_receipt_of_nothing(text: str) -> None:
    assert receipt("one", of(text), "same", numbers=True) is None


def test_parameters_go_before_the_text() -> None:
    found = read("id:18 stat:DELIVRD", t001e=b"ABC\0", t0427=b"\5", t0423=b"\3\0\x45")
    assert (found.carrier_id, found.state, found.reason) == ("abc", ReceiptState.FAILED, "DELIVRD 69")
    assert read("", t001e=b"17", t0427=b"\2").state is ReceiptState.DELIVERED
    assert read("", t001e=b"17", t0427=b"\2").reason == "state 2"


@pytest.mark.parametrize(("code", "state"), [(1, "intermediate"), (2, "delivered"), (3, "expired"), (4, "failed"),
    (5, "failed"), (6, "intermediate"), (7, "intermediate"), (8, "failed"), (99, "intermediate")])  # fmt: skip
def test_numbers_of_states(code: int, state: str) -> None:
    assert read("id:17", t0427=bytes([code])).state == state


def test_what_is_on_its_way_is_never_final() -> None:
    found = receipt("one", of("id:17 stat:DELIVRD", esm_class=0x20), "same", numbers=True)
    assert found is not None
    assert found.state is ReceiptState.INTERMEDIATE


@pytest.mark.parametrize(
    ("esm_class", "expected"),
    [(0, False), (4, True), (8, True), (0x20, True), (0x24, True), (0x44, True), (0x18, False), (0x40, False)],
)
def test_what_is_a_receipt(esm_class: int, expected: bool) -> None:  # noqa: FBT001 - of a table
    assert is_receipt(of(_WHOLE, esm_class)) is expected
    assert is_receipt(of("", esm_class, t001e=b"17"))


@pytest.mark.parametrize(
    ("told", "at"),
    [("2601020304", _AT + 59_999), ("260102030405", _AT + 5999), ("20260102030405", _AT + 5999)],
)
def test_dates(told: str, at: int) -> None:
    assert read(f"id:17 done date:{told}").at == at
    assert read(f"id:17 donedate:{told}").at == at


def test_a_date_of_this_minute_is_now() -> None:
    before = dates.now()
    told = datetime.fromtimestamp(before / 1000, UTC).strftime("%y%m%d%H%M")
    assert before <= read(f"id:17 done date:{told}").at <= dates.now()


@pytest.mark.parametrize("told", ["", "26", "2699999999", "260102030", "26-01-0203", "6001010101"])
def test_dates_that_say_nothing_are_now(told: str) -> None:
    assert abs(read(f"id:17 done date:{told} stat:DELIVRD").at - dates.now()) < 10_000


@pytest.mark.parametrize(
    ("address", "number"),
    [
        (Address("436990000002", 1, 1), "436990000002"),
        (Address("+436990000002", 0, 1), "436990000002"),
        (Address("00436990000002", 0, 1), "436990000002"),
        (Address("06990000002", 2, 1), None),
        (Address("", 1, 1), None),
        (Address("Firm", 5, 0), None),
    ],
)
def test_the_number_where_it_can_be_known(address: Address, number: str | None) -> None:
    found = receipt("one", of("id:17", source=address), "same", numbers=True)
    assert found is not None
    assert found.number == number
    found = receipt("one", of("id:17", source=address), "same", numbers=False)
    assert found is not None
    assert found.number is None


@pytest.mark.parametrize(
    ("ids", "answer", "told"),
    [
        ("same", "00AB12", "ab12"),
        ("same", "0017", "17"),
        ("same", "000", "0"),
        ("hex_to_decimal", "0A1F", "2591"),
        ("hex_to_decimal", "a1f", "0002591"),
        ("decimal_to_hex", "2591", "A1F"),
        ("decimal_to_hex", "0002591", "0a1f"),
        ("same", "550e8400-E29B-41d4", "550e8400-E29B-41d4"),
        ("hex_to_decimal", "msg-10", "msg-10"),
        ("decimal_to_hex", "msg-10", "msg-10"),
    ],
)
def test_ids_of_an_answer_and_its_receipt(ids: Ids, answer: str, told: str) -> None:
    assert answer_id(answer, ids) == receipt_id(told, ids)


@pytest.mark.parametrize("ids", ["same", "hex_to_decimal", "decimal_to_hex"])
def test_ids_that_are_no_plain_numbers_stay_as_they_are(ids: Ids) -> None:
    told = "00Ab-Cd"
    assert answer_id(told, ids) == receipt_id(told, ids) == told
    assert answer_id("1", ids) != receipt_id("2", ids)


@given(st.binary(max_size=200), st.dictionaries(st.sampled_from([0x1E, 0x427, 0x423, 0x424]), st.binary(max_size=9)))
def test_nothing_is_too_strange(text: bytes, options: dict[int, bytes]) -> None:
    found = receipt("one", Deliver(_PHONE, _OURS, text, 0, 4, options), "hex_to_decimal", numbers=True)
    assert found is None or found.carrier_id


def test_only_a_beginning_is_looked_through() -> None:
    assert read("id:5 " + " " * 2000).carrier_id == "5"
    assert receipt("one", of(" " * 2000 + "id:5"), "same", numbers=True) is None
