"""Inbound: what a carrier brings is kept first, and then the carrier is told so."""

import hashlib
import logging

from services.delivery.carriers.carrier import Inbound, InboundPart
from services.delivery.carriers.place import Place
from services.delivery.carriers.smpp import addresses, codec, measures, pdus, receipts, text
from services.delivery.carriers.smpp.expected import Expected
from services.delivery.carriers.smpp.options import SmppOptions
from services.delivery.carriers.smpp.pdus import Pdu
from services.delivery.carriers.smpp.repeats import Origin, Repeats
from shared.contract import dates
from shared.contract.faults import Away
from shared.postgres.errors import DatabaseError

_log = logging.getLogger(__name__)
# Of what nobody understands so much is kept.
_KEPT_OCTETS = 2000


class Hearing:
    """Keeps receipts, messages, parts of them, and the octets of what is none of these."""

    def __init__(self, name: str, options: SmppOptions, place: Place, expected: Expected) -> None:
        self._name = name
        self._expected = expected
        self._options = options
        self._arrivals = place.arrivals
        self._repeats = Repeats(name, place.heard)

    async def close(self) -> None:
        """Finish what is to be noted, when no link is left."""
        await self._repeats.close()

    async def hear(self, pdu: Pdu, origin: Origin) -> int:
        """Keep what a PDU brings; return the status of its answer, a temporary one where it is not kept."""
        try:
            await self._keep(pdu, origin)
        except (Away, DatabaseError) as error:
            _log.warning("arrival not kept", extra={"carrier": self._name, "reason": type(error).__name__})
            return pdus.SYSTEM_ERROR
        return pdus.OK

    async def _keep(self, pdu: Pdu, origin: Origin) -> None:
        try:
            deliver = codec.decode(pdu.octets)
        except codec.Undecodable:
            await self._keep_strange(pdu)
            return
        if not receipts.is_receipt(deliver):
            await self._keep_message(deliver, pdu.octets[pdus.HEAD_OCTETS :], origin)
            return
        read = receipts.receipt(self._name, deliver, self._options.receipt_ids, numbers=self._options.receipt_numbers)
        if read is None:
            await self._keep_strange(pdu)
            return
        await self._arrivals.receipt(read)
        reference = receipts.reference(deliver)
        if reference is not None:
            self._expected.told(reference, read.number, read.carrier_id)

    async def _keep_message(self, deliver: codec.Deliver, said: bytes, origin: Origin) -> None:
        octets, place = text.body(deliver)
        told = text.read(octets, deliver.coding, self._options.alphabet)
        sender, destination = addresses.number(deliver.source), addresses.number(deliver.destination)
        now = dates.now()
        if place is not None:
            # Known again by its place.
            await self._arrivals.part(InboundPart(self._name, sender, destination, *place, text=told, at=now))
            return
        came = await self._repeats.came(said, origin)
        try:
            await self._arrivals.inbound(Inbound(self._name, came.inbound_id, sender, destination, told, now))
        except Exception:
            await self._repeats.refused(came)
            raise
        self._repeats.answered(came)

    async def _keep_strange(self, pdu: Pdu) -> None:
        """Keep octets that say nothing to us, as a message to nobody."""
        measures.strange(self._name)
        octets = pdu.octets[:_KEPT_OCTETS]
        strange_id = f"strange-{hashlib.sha256(pdu.octets).hexdigest()[:40]}"
        await self._arrivals.inbound(Inbound(self._name, strange_id, "", "", octets.hex(), dates.now()))
