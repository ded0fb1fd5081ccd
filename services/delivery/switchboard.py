"""The switchboard: the carriers, routes and guards of the file, which SIGHUP reads again.

A carrier whose table did not change goes on as it is; one that did, or went, finishes what is under way.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.delivery.carrier_file import CarrierFile, CarrierFileError, read_carrier_file
from services.delivery.carriers.carrier import Arrivals, Carrier, Unanswered
from services.delivery.carriers.kinds import KINDS, gives_receipts
from services.delivery.carriers.options import Options
from services.delivery.carriers.place import Heard, Leases, Place, References
from services.delivery.guards import Guards
from services.delivery.opt_out import OptOutWords
from services.delivery.routing import Routes

_log = logging.getLogger(__name__)
_NOTHING = CarrierFile({}, Routes(()), Guards(), OptOutWords(), "")


class Switchboard:
    """What the file says now; without a file there is no carrier."""

    def __init__(
        self, path: Path | None, arrivals: Arrivals, references: References, leases: Leases, heard: Heard
    ) -> None:
        """Read the file; raise `CarrierFileError` that lists all that is wrong."""
        self._path = path
        self._arrivals = arrivals
        self._references = references
        self._leases = leases
        self._heard = heard
        self._file = read_carrier_file(path) if path else _NOTHING
        self._carriers = {name: self._made(name, options) for name, options in self._file.carriers.items()}
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def has_file(self) -> bool:
        """Whether this worker knows which carriers there are; without a file it leaves their jobs to others."""
        return self._path is not None

    @property
    def routes(self) -> Routes:
        return self._file.routes

    @property
    def guards(self) -> Guards:
        return self._file.guards

    @property
    def opt_out_words(self) -> OptOutWords:
        return self._file.opt_out

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._carriers)

    def carrier(self, name: str) -> Carrier | None:
        """Return the carrier of that name, or none where the file has it no more."""
        return self._carriers.get(name)

    def options(self, name: str) -> Options | None:
        return self._file.carriers.get(name)

    def sender(self, name: str, own: str) -> str:
        """Return whom a message by that carrier comes from: the carrier's own sender, else the account's number."""
        options = self.options(name)
        return (options.sender if options else None) or own

    def gives_receipts(self, name: str) -> bool:
        """Whether receipts of that carrier are awaited."""
        options = self.options(name)
        return options is not None and gives_receipts(options)

    def fallback_after(self, name: str) -> float:
        """Return after how many seconds that a carrier is away others of a route get its messages."""
        options = self.options(name)
        return options.fallback_after_seconds if options else 0.0

    def unanswered(self, name: str, recipient: str, sender: str) -> Unanswered:
        """Return what becomes of a message of that carrier that was written and not answered."""
        options = self.options(name)
        if options is None:
            # Nobody knows what a carrier that was taken away would make of it twice.
            return Unanswered("fail")
        policy = self.routes.unknown(recipient, sender) or options.unknown
        return Unanswered(policy, round(1000 * options.unknown_wait_seconds))

    def reload(self) -> None:
        """Read the file again; one with an error changes nothing, and its errors are logged."""
        if self._path is None:
            return
        try:
            file = read_carrier_file(self._path)
        except CarrierFileError as error:
            _log.error("carriers stay as they are", extra={"errors": str(error).splitlines()})
            return
        before, self._file = self._file, file
        kept = {name for name, options in file.carriers.items() if _same(name, options, before, file)}
        gone = [carrier for name, carrier in self._carriers.items() if name not in kept]
        self._carriers = {
            name: self._carriers[name] if name in kept else self._made(name, options)
            for name, options in file.carriers.items()
        }
        for carrier in gone:
            self._close(carrier)
        _log.info("carriers read", extra={"carriers": list(self._carriers), "changed": len(gone)})

    async def close(self) -> None:
        """Close all carriers, when what is under way is done."""
        for carrier in self._carriers.values():
            self._close(carrier)
        while self._closing:
            await asyncio.wait(self._closing)

    def _made(self, name: str, options: Options) -> Carrier:
        receipt_url = f"{self._file.public_url}/carriers/{name}/receipt"
        place = Place(receipt_url, self._arrivals, self._references, self._leases, self._heard)
        return KINDS[options.kind].make(name, options, place)

    def _close(self, carrier: Carrier) -> None:
        task = asyncio.create_task(carrier.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _same(name: str, options: Options, before: CarrierFile, after: CarrierFile) -> bool:
    return before.carriers.get(name) == options and before.public_url == after.public_url


@asynccontextmanager
async def switchboard(
    path: Path | None, arrivals: Arrivals, references: References, leases: Leases, heard: Heard
) -> AsyncIterator[Switchboard]:
    """Yield the switchboard of a file, read again at each SIGHUP of this process."""
    opened = Switchboard(path, arrivals, references, leases, heard)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, opened.reload)
    try:
        yield opened
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        await opened.close()
