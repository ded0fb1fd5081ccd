"""Windows that several gateways share, in Redis or Valkey.

Calls go there in batches: one that finds nobody under way goes at once, the others gather until the answer is there
(a script alone costs this process 170 us, of sixteen in a batch each costs 33 us). While the server is away, slow or
answers errors, nobody waits for it: it is tried once a second, and meanwhile `take` says that it cannot decide.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from services.gateway.windows import STEPS, Ask, Standing, Verdict, Window
from shared.metrics import answers
from shared.tls import refusal

logger = logging.getLogger(__name__)

_ANSWER_SECONDS = 0.05
_PROBE_SECONDS = 1.0
# A probe may have to connect, to authenticate and to load the script.
_PROBE_ANSWER_SECONDS = 1.0
_SLICES = 5
# Some 9 ms of the server's time, which other gateways wait for.
_BATCH_CALLS = 500
_SCRIPT = Path(__file__).with_name("take.lua").read_text(encoding="utf-8")
_PROBE = (Ask(Window("probe", 1_000_000, 1), "gateway"),)


@dataclass(slots=True, eq=False)
class _Call:
    asks: Sequence[Ask]
    verdict: "asyncio.Future[Verdict | None]"


class SharedWindows:
    """Windows in the server at `url`; use it as a context, `up` says whether it decides, `refused` why TLS did not."""

    def __init__(self, url: str) -> None:
        # Valkey speaks the same protocol, but the client knows the other name only. It neither retries nor looks at
        # the time of an answer, as `_in_time` does.
        self._client = Redis.from_url(
            url.replace("valkey", "redis", 1) if url.startswith("valkey") else url,
            protocol=2,
            driver_info=None,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=None,
            socket_connect_timeout=_PROBE_ANSWER_SECONDS,
        )
        self._script = self._client.register_script(_SCRIPT)
        self._waiting: list[_Call] = []
        self._wanted = asyncio.Event()
        self._told: bool | None = None
        self.up = False
        self.refused: str | None = None

    async def __aenter__(self) -> Self:
        self._serving = asyncio.create_task(self._serve())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._serving.cancel()
        await asyncio.wait({self._serving})
        self.up = False
        self._give_up()
        with suppress(Exception):  # whatever keeps it from saying goodbye, nothing of ours is left there
            await self._client.aclose()

    async def take(self, asks: Sequence[Ask]) -> Verdict | None:
        """Take from every window, or from none where one of them has no room; None: it cannot be said in time."""
        if not self.up or len(self._waiting) >= _BATCH_CALLS:
            return None
        call = _Call(asks, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        self._wanted.set()
        return await call.verdict

    async def _serve(self) -> None:
        while True:
            try:
                await (self._batch() if self.up else self._probe())
            except Exception as error:  # noqa: BLE001 - whatever it was, calls are decided without it
                self._lost(error)

    async def _probe(self) -> None:
        if self._told is not None:
            await asyncio.sleep(_PROBE_SECONDS)
        await self._ask([_PROBE], _PROBE_ANSWER_SECONDS)
        self.up = True
        self.refused = None
        self._tell()

    async def _batch(self) -> None:
        await self._wanted.wait()
        calls = self._take_waiting()
        verdicts: Sequence[Verdict | None] = [None] * len(calls)
        try:
            verdicts = await self._ask([call.asks for call in calls])
        finally:
            _answer(calls, verdicts)

    async def _ask(self, calls: Sequence[Sequence[Ask]], seconds: float = _ANSWER_SECONDS) -> list[Verdict]:
        keys, arguments = [], [STEPS]
        for asks in calls:
            arguments.append(len(asks))
            for window, caller, takes in asks:
                keys.append(f"usermessage:{window.name}:{window.seconds}:{caller}")
                arguments += (window.quota, window.seconds * 1000 // STEPS, int(takes))
        text = await _in_time(asyncio.ensure_future(self._script(keys, arguments)), seconds)
        numbers = map(int, text.split())
        return [
            Verdict(next(numbers) == 1, [Standing(next(numbers), next(numbers) / 1000) for _ in asks]) for asks in calls
        ]

    def _lost(self, error: Exception) -> None:
        self.up = False
        self._give_up()
        self._tell(error)

    def _give_up(self) -> None:
        calls = self._take_waiting()
        _answer(calls, [None] * len(calls))

    def _take_waiting(self) -> list[_Call]:
        calls, self._waiting = self._waiting, []
        self._wanted.clear()
        return calls

    def _tell(self, error: Exception | None = None) -> None:
        answers.limits_shared(shared=self.up)
        if self._told == self.up:
            return
        self._told = self.up
        self.refused = refusal(error) if error else None
        if self.up:
            logger.info("rate limits are shared")
        else:
            reason = self.refused or type(error).__qualname__
            logger.warning("rate limits count in this gateway alone", extra={"error": reason})


async def _in_time(asking: "asyncio.Task[bytes]", seconds: float) -> bytes:
    # In slices, of which one is lost when this process stands still: it would blame the server for that.
    try:
        for _ in range(_SLICES):
            done, _ = await asyncio.wait({asking}, timeout=seconds / _SLICES)
            if done:
                return asking.result()
        raise TimeoutError
    finally:
        asking.cancel()


def _answer(calls: Sequence[_Call], verdicts: Sequence[Verdict | None]) -> None:
    for call, verdict in zip(calls, verdicts, strict=True):
        if not call.verdict.done():  # its client may have gone
            call.verdict.set_result(verdict)
