"""Benchmarks: `insert` through the whole service against a bare aiohttp handler, interleaved in one run.

`make bench`; a stack of its own, 200 accounts, limits off, 64 connections in a closed loop.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.local.state import State
from deploy.local.supervisor import Supervisor
from tests.bench.cpu import cpu_seconds
from tests.bench.load import Figures, closed_loop, post

ROOT = Path(__file__).parents[2]
CONNECTIONS = 64
ACCOUNTS = 200
GOAL = 0.20


def _accepted(body: bytes) -> bool:
    return body.startswith(b'{"errorCode":0')


@contextmanager
def _stack(folder: Path) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "deploy.local", "--run", str(folder)]
    subprocess.run([*command, "up", "--accounts", str(ACCOUNTS), "--limits", "off"], cwd=ROOT, check=True)
    try:
        yield json.loads((folder / "demo.json").read_text())
    finally:
        subprocess.run([*command, "down"], cwd=ROOT, check=True)


@contextmanager
def _bare() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.bare", str(port)], cwd=ROOT)
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def _inserts(demo: dict[str, Any]) -> list[list[bytes]]:
    url = f"{demo['base_url']}/rest/user/message/insert"
    shared: list[list[bytes]] = [[] for _ in range(CONNECTIONS)]
    for number, account in enumerate(demo["accounts"]):
        body = {
            "apiKey": demo["api_key"],
            "authToken": account["auth_token"],
            "address": f"+4369900{number % 7:05}",
            "message": "The quick brown fox jumps over the lazy dog, again and again.",
        }
        shared[number % CONNECTIONS].append(post(url, json.dumps(body).encode()))
    return shared


def _report(name: str, figures: Figures, cpu: dict[str, float]) -> None:
    count = len(figures.latencies)
    costs = " + ".join(f"{who} {seconds / count * 1e6:.0f}" for who, seconds in cpu.items())
    print(
        f"{name:8} {figures.rate:8.0f}/s  p50 {figures.percentile(50):6.2f} ms  p99 {figures.percentile(99):6.2f} ms"
        f"  refused {figures.refused}  CPU us/request: {costs}"
    )


async def _measure(
    name: str, port: int, requests: Sequence[Sequence[bytes]], seconds: float, roots: dict[str, int]
) -> Figures:
    before = cpu_seconds(roots)
    figures = await closed_loop(port, requests, seconds, _accepted)
    after = cpu_seconds(roots)
    _report(name, figures, {who: after[who] - before[who] for who in roots})
    return figures


async def _rounds(demo: dict[str, Any], bare_port: int, folder: Path, rounds: int, seconds: float) -> None:
    port = int(demo["base_url"].rpartition(":")[2])
    inserts = _inserts(demo)
    roots = Supervisor(folder, State(folder / "state.json")).pids()
    await closed_loop(port, inserts, 2, _accepted)
    ratios = []
    for _ in range(rounds):
        bare = await _measure("bare", bare_port, inserts, seconds / 2, {})
        insert = await _measure("insert", port, inserts, seconds, roots)
        ratios.append(insert.rate / bare.rate)
    middle = statistics.median(ratios)
    listed = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    word = "reached" if middle >= GOAL else "missed"
    print(f"insert / bare aiohttp: {listed}; median {middle:.2f}; goal {GOAL:.2f} {word}")


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each measurement")
    parser.add_argument("--run", type=Path, default=ROOT / ".run" / "bench")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load before {load:.2f}, {CONNECTIONS} connections, {ACCOUNTS} accounts")
    with _stack(options.run) as demo, _bare() as bare_port:
        asyncio.run(_rounds(demo, bare_port, options.run, options.rounds, options.seconds))


if __name__ == "__main__":
    main()
