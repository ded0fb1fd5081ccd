"""Parts: the PDUs that a message becomes."""

import zlib

from services.delivery.carriers.carrier import Submission
from services.delivery.carriers.smpp import addresses, codec, text
from services.delivery.carriers.smpp.options import SmppOptions
from services.delivery.segments import Unsendable

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def pieces(options: SmppOptions, submission: Submission) -> list[text.Piece]:
    """Return the parts of a message, in order; raise `Unsendable`."""
    cut = text.cut(submission.text, submission.encoding, options.alphabet)
    if len(cut.parts) > options.parts:
        raise Unsendable(f"it has more than {options.parts} parts")
    # The same at each try, so that a phone takes a part that comes twice for the one that it is; jobs to one number
    # may come in steps.
    number = zlib.crc32(f"{submission.job_id} {submission.recipient}".encode()) % 255 + 1
    return text.pieces(cut, number, options.long, options.alphabet, options.data_coding)


def encoded(options: SmppOptions, submission: Submission, piece: text.Piece, now: int) -> bytes:
    """Return the PDU of a part that leaves now, without a number; raise `Unencodable`."""
    return codec.encode(_submit(options, submission, piece, now))


def _submit(options: SmppOptions, submission: Submission, piece: text.Piece, now: int) -> codec.Submit:
    source = options.source
    own = options.user_message_reference
    told = ((codec.USER_REFERENCE, reference(submission).to_bytes(2, "big")),) if own else ()
    return codec.Submit(
        source=addresses.source(submission.sender, source.numeric, source.short, source.alphanumeric),
        destination=codec.Address(submission.recipient, *options.destination),
        text=piece.octets,
        coding=piece.coding,
        validity=validity(min(options.validity_seconds, (submission.expires_at - now) // 1000)),
        receipt=options.registered_delivery,
        service_type=options.service_type,
        esm_class=piece.esm_class,
        options=piece.options + told,
    )


def reference(submission: Submission) -> int:
    """Return how a carrier may call a message that has no id; all its parts are called so."""
    return submission.job_id & 0xFFFF


def validity(seconds: int) -> str:
    """Return a time from now on, as SMPP writes it; a second at least."""
    left = max(1, seconds)
    days, hours, minutes = left // _DAY, left % _DAY // _HOUR, left % _HOUR // _MINUTE
    return f"0000{days:02}{hours:02}{minutes:02}{left % _MINUTE:02}000R"
