"""Commands of delivery: texts for carriers."""

from collections.abc import Callable, Collection, Sequence
from functools import partial

import orjson

from services.delivery.guards import MOST_CHARACTERS
from services.delivery.numbers import canonical
from services.delivery.reach import Carriers
from shared.bus.routes import Context, Outcome, Route, route_group
from shared.contract import dates
from shared.contract.sms import SEND, RemoteSmsSendRequest, RemoteSmsSendResponse
from shared.contract.sms import RemoteSmsSendAck as Ack
from shared.mailbox.sends import SmsSend
from shared.mailbox.store import Mailbox
from shared.mailbox.terms import terms
from shared.mailbox.writes import replied

_ORIGIN_MYSMS = 1
# With more of them a request is no part of a group, which holds the mailboxes of all for as long as it takes.
_MOST_RECIPIENTS_IN_GROUP = 3


class Texts:
    """The handlers, over the mailbox; `stored` is told for which carriers there are new jobs, '' for none yet."""

    def __init__(
        self, mailbox: Mailbox, carriers: Carriers, stored: Callable[[Collection[str]], None], *, validity_ms: int
    ) -> None:
        self._mailbox = mailbox
        self._carriers = carriers
        self._stored = stored
        self._validity_ms = validity_ms

    async def send(
        self, requests: Sequence[tuple[RemoteSmsSendRequest, Context]]
    ) -> Sequence[Outcome[RemoteSmsSendResponse]]:
        """Store a text for each recipient, to be sent by carrier."""
        now = dates.now()
        sends = [self._text(request, context, now) for request, context in requests]
        written = await self._mailbox.send_sms(sends, terms(requests))
        return [
            replied([each], partial(self._acks, send, request))[0]
            for send, (request, _), each in zip(sends, requests, written, strict=True)
        ]

    def _text(self, request: RemoteSmsSendRequest, context: Context, now: int) -> SmsSend:
        due, msisdn = request.date_send_on, context.identity.msisdn
        recipients = [_digits(each) for each in request.recipients]
        send = SmsSend(
            account_id=context.identity.account_id,
            recipients=orjson.dumps(recipients).decode(),
            body=request.message,
            date_sent=now,
            due_at=due if due is not None and due > now else None,
            encoding=request.encoding,
            origin=request.sms_connector_id or _ORIGIN_MYSMS,
            store=request.store,
            sender="" if msisdn is None else str(msisdn),
        )
        return self._chosen(send, recipients)

    def _chosen(self, send: SmsSend, recipients: Sequence[str]) -> SmsSend:
        """Give a text its carriers, if all is known that it takes; for others they are chosen when they are due."""
        if not self._carriers.has_file or send.due_at or not send.sender or len(send.body) > MOST_CHARACTERS:
            return send
        choose = self._carriers.routes.choose
        carriers = [choose(recipient, send.sender, ()) or "" for recipient in recipients]
        return send._replace(carriers=orjson.dumps(carriers).decode(), validity_ms=self._validity_ms)

    def _acks(self, send: SmsSend, request: RemoteSmsSendRequest, first: int) -> RemoteSmsSendResponse:
        self._stored(set(orjson.loads(send.carriers)) or {""})
        return RemoteSmsSendResponse(tuple(Ack(first + nth) for nth, _ in enumerate(request.recipients)))


def _large(request: RemoteSmsSendRequest) -> bool:
    return len(request.recipients) > _MOST_RECIPIENTS_IN_GROUP


def _digits(recipient: str) -> str:
    return canonical("".join(recipient.split()).removeprefix("+"))


def routes(texts: Texts) -> tuple[Route, ...]:
    """Return which function runs which operation."""
    return (route_group(SEND, texts.send, alone=_large),)
