"""The codec: what the library is for, behind two functions.

It does not look at what it encodes, so this does.
"""

from typing import NamedTuple

import smpp34

PAYLOAD = 0x0424
SAR_REFERENCE = 0x020C
SAR_TOTAL = 0x020E
SAR_NUMBER = 0x020F
USER_REFERENCE = 0x0204
RECEIPTED_ID = 0x001E
MESSAGE_STATE = 0x0427
NETWORK_ERROR = 0x0423

_ADDRESS_OCTETS = 20
_SERVICE_TYPE_OCTETS = 5
_TEXT_OCTETS = 254
_OPTION_OCTETS = 65_535


class Unencodable(ValueError):  # noqa: N818 - it is what the message is
    """No PDU can hold this; says which field."""


class Undecodable(ValueError):  # noqa: N818 - it is what the PDU is
    """No message can be read from this PDU."""


class Address(NamedTuple):
    """A number or a name, its type (TON) and its plan (NPI)."""

    digits: str
    ton: int
    npi: int


class Submit(NamedTuple):
    """One part to submit; `options` are its optional parameters by tag."""

    source: Address
    destination: Address
    text: bytes
    coding: int
    validity: str
    receipt: int
    service_type: str = ""
    esm_class: int = 0
    options: tuple[tuple[int, bytes], ...] = ()


class Deliver(NamedTuple):
    """What a carrier brings: a message or a receipt."""

    source: Address
    destination: Address
    text: bytes
    coding: int
    esm_class: int
    options: dict[int, bytes]


def encode(submit: Submit) -> bytes:
    """Return the PDU of a part, which has no number yet; raise `Unencodable`."""
    _check(submit)
    return smpp34.SubmitSm(
        submit.source.digits, submit.destination.digits, submit.text,
        service_type=submit.service_type,
        source_addr_ton=submit.source.ton, source_addr_npi=submit.source.npi,
        dest_addr_ton=submit.destination.ton, dest_addr_npi=submit.destination.npi,
        esm_class=submit.esm_class, data_coding=submit.coding,
        validity_period=submit.validity, registered_delivery=submit.receipt,
        tlvs=[smpp34.Tlv(tag, value) for tag, value in submit.options],
    ).encode()  # fmt: skip


def decode(octets: bytes) -> Deliver:
    """Read a PDU that brings something; raise `Undecodable`."""
    try:
        read = smpp34.decode(octets)
    except (smpp34.SmppError, ValueError) as error:
        raise Undecodable(type(error).__name__) from None
    except BaseException as error:
        # A panic of the library's Rust is no `Exception`, and its class is nowhere to be imported from.
        if type(error).__name__ != "PanicException":
            raise
        raise Undecodable("panic") from None
    if not isinstance(read, smpp34.DeliverSm):
        raise Undecodable("another PDU")
    return Deliver(
        Address(read.source_addr, read.source_addr_ton, read.source_addr_npi),
        Address(read.destination_addr, read.dest_addr_ton, read.dest_addr_npi),
        read.short_message, read.data_coding, read.esm_class,
        {each.tag: each.value for each in read.tlvs},
    )  # fmt: skip


def _check(submit: Submit) -> None:
    for name, text, most in (
        ("sender", submit.source.digits, _ADDRESS_OCTETS),
        ("recipient", submit.destination.digits, _ADDRESS_OCTETS),
        ("service type", submit.service_type, _SERVICE_TYPE_OCTETS),
    ):
        if len(text) > most or not text.isascii() or "\0" in text:
            raise Unencodable(f"its {name} does not fit")
    if len(submit.text) > _TEXT_OCTETS or any(len(value) > _OPTION_OCTETS for _, value in submit.options):
        raise Unencodable("its text does not fit")
