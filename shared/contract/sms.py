"""SMS by carrier: the send call that public clients make most."""

import re
from dataclasses import dataclass

from shared.contract.faults import Fault
from shared.contract.operation import AnyOperation, Bucket, Operation
from shared.contract.rules import day_within_a_year
from shared.contract.scalars import ADDRESS, BOOLEAN, DATE, INT, STRING
from shared.contract.shape import many, optional, required, value

QUEUE = "commands.delivery"
RECIPIENT_LIMIT = 50
_ENCODINGS = range(3)
_RECIPIENT = re.compile(r"\+?[0-9]{3,15}\Z")


def _encoding(number: int) -> bool:
    return number in _ENCODINGS


@dataclass(frozen=True, slots=True)
class RemoteSmsSendRequest:
    """One text to up to 50 numbers; `encoding` 0 is 7-bit, 1 8-bit, 2 UCS2; `store` keeps an outgoing message."""

    recipients: tuple[str, ...] = many(ADDRESS, required=True)
    message: str = required(STRING)
    date_send_on: int | None = optional(DATE, day_within_a_year)
    encoding: int = value(INT, _encoding)
    sms_connector_id: int = value(INT)
    store: bool = value(BOOLEAN)


@dataclass(frozen=True, slots=True)
class RemoteSmsSendAck:
    message_id: int = value(INT)


@dataclass(frozen=True, slots=True)
class RemoteSmsSendResponse:
    """One ack for each recipient, in their order."""

    remote_sms_send_acks: tuple[RemoteSmsSendAck, ...] = many(RemoteSmsSendAck)


def _recipients_well_formed(request: RemoteSmsSendRequest) -> Fault | None:
    fits = len(request.recipients) <= RECIPIENT_LIMIT
    if fits and all(_RECIPIENT.match("".join(each.split())) for each in request.recipients):
        return None
    return Fault.RECIPIENT_MALFORMED


SEND = Operation(
    name="sms.send",
    path="/remote/sms/send",
    request=RemoteSmsSendRequest,
    reply=RemoteSmsSendResponse,
    queue=QUEUE,
    bucket=Bucket.SEND,
    writes=True,
    group=48,
    gathers=True,
    faults=(Fault.RECIPIENT_MALFORMED,),
    rule=_recipients_well_formed,
)

OPERATIONS: tuple[AnyOperation, ...] = (SEND,)
