"""A carrier for development: it takes messages, sends receipts and answers, and has bad days on demand."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import smpp34

from deploy.local.smsc.faults import Reply, Said, fault_of
from deploy.local.smsc.receipts import answered_id, receipt_parameters, receipt_text
from deploy.local.smsc.texts import parts_of, readable

_RECEIPT = 0x04
_UDH = 0x40
_AGAIN_SECONDS = 1.0
# Carriers try for hours.
_TRIES = 600

Tell = Callable[..., None]


class Smsc:
    """Answers what a server of smpp34 takes; `tell` hears of everything that happens."""

    def __init__(self, server: smpp34.Server, tell: Tell) -> None:
        self._server = server
        self._tell = tell
        self._bound: dict[str, smpp34.Esme] = {}
        self._refused: Counter[str] = Counter()
        # Other ids than those of the last run.
        self._ids = itertools.count(int(time.time()) * 1000)
        self._references = itertools.count(int(time.time()))
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Go on for ever."""
        while True:
            event = await self._server.next()
            if isinstance(event, smpp34.Esme):
                self._bound[event.session_id] = event
                self._tell("bound", system_id=event.system_id)
            elif isinstance(event, smpp34.Unbound):
                gone = self._bound.pop(event.session_id, None)
                self._tell("unbound", system_id=gone.system_id if gone else "")
            else:
                self._start(self._take(event))

    async def _take(self, event: smpp34.SubmitSmEvent) -> None:
        bound = self._bound.get(event.session_id)
        if bound is None:
            # Gone before its message was looked at, which nobody has then.
            return
        fault, number = fault_of(event.destination_addr), event.destination_addr
        if self._refused[number] < len(fault.refusals) or fault.for_ever:
            status = fault.refusals[self._refused[number] % len(fault.refusals)]
            self._refused[number] += 1
            self._say("refused", event, status=f"0x{status:02X}")
            event.reject(status)
            return
        self._refused.pop(number, None)
        message_id = next(self._ids)
        sender = bound.system_id
        said = fault.receipts if event.registered_delivery & 0x03 else ()
        for each in said:
            if each.seconds < 0:
                await self._receipt(sender, event, message_id, each)
                await asyncio.sleep(-each.seconds)
        self._say("accepted", event, id=answered_id(message_id, fault))
        event.accept(answered_id(message_id, fault))
        for each in said:
            if each.seconds >= 0:
                self._start(self._later(each.seconds, self._receipt(sender, event, message_id, each)))
        if fault.reply:
            self._start(self._later(1.0, self._reply(sender, event, fault.reply)))

    def _say(self, what: str, event: smpp34.SubmitSmEvent, **more: object) -> None:
        self._tell(
            what,
            source=event.source_addr,
            to=event.destination_addr,
            coding=event.data_coding,
            esm_class=event.esm_class,
            body=event.short_message.hex(),
            text=readable(event),
            tlvs={f"0x{tlv.tag:04X}": tlv.value.hex() for tlv in event.tlvs},
            **more,
        )

    async def _receipt(self, account: str, event: smpp34.SubmitSmEvent, message_id: int, said: Said) -> None:
        fault = fault_of(event.destination_addr)
        text = receipt_text(message_id, fault, said.state).encode()
        tlvs = receipt_parameters(message_id, fault, said.state)
        await self._bring(account, event, text, esm_class=_RECEIPT, tlvs=tlvs)
        self._tell("receipt", to=event.destination_addr, state=said.state)

    async def _reply(self, account: str, event: smpp34.SubmitSmEvent, reply: Reply) -> None:
        if not reply.parts:
            await self._bring(account, event, reply.text.encode())
        parts = parts_of(reply.text, next(self._references) % 256)
        for number in reply.parts:
            await self._bring(account, event, parts[number - 1], esm_class=_UDH)
        self._tell("reply", source=event.destination_addr, text=reply.text[:40])

    async def _bring(self, account: str, event: smpp34.SubmitSmEvent, text: bytes, **more: Any) -> None:
        """Bring a message to whoever sent one, by any bind of his, as often as it takes."""
        for _ in range(_TRIES):
            receiver = next(
                (each for each in self._bound.values() if each.system_id == account and each.can_receive), None
            )
            if receiver is not None and await self._brought(receiver, event, text, **more):
                return
            await asyncio.sleep(_AGAIN_SECONDS)
        self._tell("given up", to=event.source_addr)

    async def _brought(self, receiver: smpp34.Esme, event: smpp34.SubmitSmEvent, text: bytes, **more: Any) -> bool:
        try:
            answer = await receiver.deliver_sm(
                event.source_addr,
                text,
                source_addr=event.destination_addr,
                source_addr_ton=event.dest_addr_ton,
                source_addr_npi=event.dest_addr_npi,
                dest_addr_ton=event.source_addr_ton,
                dest_addr_npi=event.source_addr_npi,
                **more,
            )
        except smpp34.SmppError:
            return False
        return answer.is_success

    async def _later(self, seconds: float, work: Coroutine[Any, Any, None]) -> None:
        await asyncio.sleep(seconds)
        await work

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
