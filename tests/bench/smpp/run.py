"""The benchmark of SMPP: texts from the API until a carrier has accepted them, beside the same session alone."""

import asyncio
import time
from statistics import median

import aiohttp

from services.delivery.carrier_file import read_carrier_file
from services.delivery.carriers.smpp.options import SmppOptions
from tests.bench import events
from tests.bench.carrier import SMPP_PREFIX
from tests.bench.cpu import cpu_seconds
from tests.bench.results import verdict
from tests.bench.scenarios import TEXT
from tests.bench.smpp import direct
from tests.bench.stack import Service

NAME = "smpp"
_GOAL = 0.05
_RECIPIENTS = 50
_CALLS = 40
# So many calls at a time: what sends is not what is measured.
_CONNECTIONS = 8


async def run(service: Service, rounds: int, seconds: float) -> None:
    """Print all figures, and whether the goal is reached."""
    options = read_carrier_file(service.carriers_file).carriers["smpp"]
    assert isinstance(options, SmppOptions)
    print(f"\nsmpp: {_CALLS * _RECIPIENTS} texts a round by calls of {_RECIPIENTS}, window {options.window}")
    alone, through = [], []
    async with direct.bound(options) as carrier, aiohttp.ClientSession() as session:
        await _through(service, session)
        for number in range(1, rounds + 1):
            alone.append(await direct.rate(carrier, seconds))
            before = cpu_seconds(service.pids)
            through.append(await _through(service, session))
            after = cpu_seconds(service.pids)
            texts = _CALLS * _RECIPIENTS
            costs = ", ".join(f"{who} {(after[who] - before[who]) / texts * 1e6:.0f}" for who in sorted(after))
            print(f"  round {number}: alone {alone[-1]:.0f}/s, through everything {through[-1]:.0f}/s; us: {costs}")
    ratio = median(through) / median(alone)
    print(
        f"  medians: {median(alone):.0f}/s, {median(through):.0f}/s; {ratio:.3f}, goal {_GOAL}: {verdict(ratio, _GOAL)}"
    )


async def _through(service: Service, session: aiohttp.ClientSession) -> float:
    """Send texts, and return how many a second were accepted by the time that all were."""
    url = service.environment["DATABASE_URL"]
    await events.settled(url, texts=True)
    begun = time.perf_counter()
    calls = iter(range(_CALLS))

    async def send() -> None:
        for nth in calls:
            recipients = [f"+{SMPP_PREFIX}{nth * _RECIPIENTS % 1000 + each:03}" for each in range(_RECIPIENTS)]
            token = service.tokens[nth % len(service.tokens)]
            call = {"apiKey": service.api_key, "authToken": token, "recipients": recipients, "message": TEXT}
            path = f"http://127.0.0.1:{service.port}/json/remote/sms/send"
            async with session.post(path, json=call | {"store": True}) as response:
                answer = await response.json()
            assert answer["errorCode"] == 0, answer

    await asyncio.gather(*(send() for _ in range(_CONNECTIONS)))
    await events.settled(url, texts=True)
    return _CALLS * _RECIPIENTS / (time.perf_counter() - begun)
