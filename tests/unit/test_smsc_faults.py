"""The simulator's faults: what its table says, and what people read about it."""

import re
from pathlib import Path

import pytest

from deploy.local.smsc.faults import FAULTS, fault_of
from deploy.local.smsc.receipts import receipt_text
from deploy.local.smsc.texts import parts_of

_DOCUMENT = Path(__file__).parents[2] / "services" / "delivery" / "README.md"
_ROW = re.compile(r"^\| (9\d\d) \| (.*) \|$", re.MULTILINE)


def test_the_document_has_the_table() -> None:
    assert dict(_ROW.findall(_DOCUMENT.read_text())) == {ending: fault.meaning for ending, fault in FAULTS.items()}


def test_numbers_with_other_endings_get_their_message() -> None:
    assert fault_of("436990000001").receipts[0].state == "DELIVRD"
    assert fault_of("436990000901").for_ever


def test_a_receipt_has_the_fields_that_carriers_write() -> None:
    text = receipt_text(15, fault_of("436990000001"), "UNDELIV")
    assert re.fullmatch(r"id:15 sub:001 dlvrd:000 submit date:\d{10} done date:\d{10} stat:UNDELIV err:001 text:", text)
    assert receipt_text(255, FAULTS["932"], "DELIVRD").startswith("id:ff ")


@pytest.mark.parametrize("ending", ["943", "944", "945"])
def test_a_long_answer_has_as_many_parts_as_it_says(ending: str) -> None:
    reply = FAULTS[ending].reply
    assert reply is not None
    parts = parts_of(reply.text, 7)
    assert len(parts) == 3
    assert [part[:6] for part in parts] == [bytes([5, 0, 3, 7, 3, number]) for number in (1, 2, 3)]
    assert b"".join(part[6:] for part in parts).decode() == reply.text
