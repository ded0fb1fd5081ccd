"""Benchmarks: the service against its yardsticks, interleaved in one run, on a stack of its own with limits off.

64 connections in a closed loop, spread evenly over 200 accounts with 10 conversations of 50 messages each.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench import machine, stack
from tests.bench.cpu import cpu_seconds
from tests.bench.data import load
from tests.bench.paths import ROOT
from tests.bench.results import Result, line, middle, ratios, result
from tests.bench.scenarios import SCENARIOS, Scenario
from tests.bench.search import run as search
from tests.bench.smpp import run as smpp
from tests.bench.yardsticks import CONNECTIONS, SERVICE, Subject, subjects

_WARM_UP_SECONDS = 1.0
# OpenSearch takes 366 us for a message after its start and 105 us from the 20,000th on, as its code is compiled.
_SERVICE_WARM_UP_SECONDS = 15.0
Found = dict[str, dict[str, list[Result]]]


async def _measure(subject: Subject, scenario: Scenario, seconds: float) -> Result:
    own, before = time.process_time(), cpu_seconds(subject.pids)
    figures = await subject.run(scenario, seconds)
    own_after = time.process_time()
    after = cpu_seconds(subject.pids)
    # The index takes what yardsticks store as well, and must not do so while the next one is measured.
    left = await subject.settle(scenario) if subject.settle else None
    is_service = subject.name == SERVICE
    if is_service:
        after = cpu_seconds(subject.pids)
    costs = {who: after[who] - before[who] for who in subject.pids}
    return result(figures, {"bench": own_after - own, **costs}, left if is_service else None)


async def _warm_up(measured: Sequence[Subject], scenarios: Sequence[Scenario]) -> None:
    for scenario in scenarios:
        for subject in measured:
            if not subject.fits(scenario):
                continue
            await subject.run(scenario, _SERVICE_WARM_UP_SECONDS if subject.name == SERVICE else _WARM_UP_SECONDS)
            if subject.settle:
                await subject.settle(scenario)


async def _rounds(measured: Sequence[Subject], scenarios: Sequence[Scenario], rounds: int, seconds: float) -> Found:
    found: Found = {scenario.name: {} for scenario in scenarios}
    for number in range(1, rounds + 1):
        for scenario in scenarios:
            print(f"round {number}, {scenario.name}; {machine.load()}", flush=True)
            for subject in measured:
                if subject.fits(scenario):
                    measurement = await _measure(subject, scenario, seconds)
                    found[scenario.name].setdefault(subject.name, []).append(measurement)
                    print(line(subject.name, measurement), flush=True)
    return found


def _summary(scenarios: Sequence[Scenario], found: Mapping[str, Mapping[str, Sequence[Result]]]) -> int:
    """Print the medians and the ratios; return how many answers were wrong."""
    wrong = 0
    for scenario in scenarios:
        results = found[scenario.name]
        print(f"\n{scenario.name}, medians; CPU in us for each answer")
        for name, each in results.items():
            print(line(name, middle(each)))
            wrong += middle(each).wrong
        print("\n".join(ratios(scenario, results)))
    return wrong


async def _run(options: argparse.Namespace, service: stack.Service) -> int:
    accounts = await load(service.environment["DATABASE_URL"], service.tokens)
    print("\n".join(await machine.described(service.environment)))
    print(f"{CONNECTIONS} connections, {len(accounts)} accounts, {options.rounds} rounds of {options.seconds:g} s each")
    scenarios = [scenario for scenario in SCENARIOS if scenario.name in options.scenarios]
    wrong = 0
    if scenarios:
        async with subjects(service, accounts, options.run) as measured:
            await _warm_up(measured, scenarios)
            found = await _rounds(measured, scenarios, options.rounds, options.seconds)
        wrong = _summary(scenarios, found)
    if search.NAME in options.scenarios:
        await search.run(service, options.rounds, options.seconds)
    if smpp.NAME in options.scenarios:
        await smpp.run(service, options.rounds, options.seconds)
    return wrong


def _options() -> argparse.Namespace:
    names = [*(scenario.name for scenario in SCENARIOS), search.NAME, smpp.NAME]
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("scenarios", nargs="*", default=names, help=f"any of {', '.join(names)}; all by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each measurement")
    parser.add_argument("--run", type=Path, default=ROOT / ".run" / "bench", help="folder of the stack")
    options = parser.parse_args()
    unknown = set(options.scenarios) - set(names)
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    return options


def main() -> None:
    """Run the benchmarks; exit with 1 when an answer was wrong, for then the figures say nothing."""
    options = _options()
    with stack.running(options.run) as service:
        wrong = asyncio.run(_run(options, service))
    if wrong:
        sys.exit(f"{wrong} answers were wrong: these figures say nothing")


if __name__ == "__main__":
    main()
