"""Receipts as carriers write them: a text of fields, and the same as parameters."""

import time

import smpp34

from deploy.local.smsc.faults import Fault, IdForm

_STATES = {"DELIVRD": 2, "EXPIRED": 3, "DELETED": 4, "UNDELIV": 5, "ACCEPTD": 6, "UNKNOWN": 7, "REJECTD": 8}
_RECEIPTED_MESSAGE_ID, _MESSAGE_STATE = 0x001E, 0x0427
_VENDOR_TAG = 0x1403


def answered_id(number: int, fault: Fault) -> str:
    """Return the id of a message as its answer has it."""
    return f"{number:X}" if fault.ids is IdForm.HEX_THEN_DECIMAL else str(number)


def receipt_id(number: int, fault: Fault) -> str:
    """Return the id of a message as its receipts have it."""
    return f"{number:x}" if fault.ids is IdForm.DECIMAL_THEN_HEX else str(number)


def receipt_text(number: int, fault: Fault, state: str) -> str:
    """Return what a receipt says."""
    date = time.strftime("%y%m%d%H%M%S" if fault.seconds_in_dates else "%y%m%d%H%M", time.gmtime())
    delivered = int(state == "DELIVRD")
    return (
        f"id:{receipt_id(number, fault)} sub:001 dlvrd:00{delivered} submit date:{date} done date:{date}"
        f" stat:{state} err:{0 if delivered else 1:03} text:"
    )


def receipt_parameters(number: int, fault: Fault, state: str) -> list[smpp34.Tlv]:
    """Return the parameters of a receipt."""
    found = [
        smpp34.Tlv(_RECEIPTED_MESSAGE_ID, receipt_id(number, fault).encode() + b"\0"),
        smpp34.Tlv(_MESSAGE_STATE, bytes([_STATES[state]])),
    ]
    return [*found, smpp34.Tlv(_VENDOR_TAG, b"of a vendor")] if fault.vendor_tlvs else found
