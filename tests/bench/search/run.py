"""The benchmark of search: mailboxes are filled, their index is made anew, and both are measured."""

import json
import os
import secrets
import subprocess
import sys
import time

from services.accounts.administering import administering
from services.search.opensearch.renewal import QUERIES_SECONDS
from shared.settings import Settings
from tests.bench.paths import ROOT
from tests.bench.search import following, rates
from tests.bench.search.calls import Calls
from tests.bench.search.mailboxes import ACCOUNTS, LARGE, MESSAGES, fill
from tests.bench.search.queries import mix
from tests.bench.stack import Service

NAME = "search"


async def run(service: Service, rounds: int, seconds: float) -> None:
    """Print all figures."""
    if "OPENSEARCH_URL" not in service.environment:
        print("\nsearch: there is no OpenSearch to measure against")
        return
    settings = Settings.from_environment(service.environment)
    tokens = [secrets.token_hex(16) for _ in range(ACCOUNTS + 1)]
    async with administering(settings) as administration:
        accounts = await administration.create_accounts([(None, None)] * len(tokens), tokens, service.api_key_id)
    sample = await fill(settings.database_url, accounts)
    print(f"\nsearch: {ACCOUNTS} accounts of {MESSAGES} messages and one of {LARGE}, {rates.CONNECTIONS} connections")
    _rebuild(service)
    calls = Calls(service, tokens, accounts)
    await rates.measure(calls, mix(sample), rounds, seconds)
    await following.measure(calls, 2 * seconds)


def _rebuild(service: Service) -> None:
    command = [sys.executable, "-m", "services.cli", "search", "rebuild", "--json"]
    environment = {**os.environ, **service.environment}
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    messages, seconds = json.loads(done.stdout)["messages"], time.monotonic() - began
    print(
        f"  rebuilt: {messages} messages in {seconds:.0f} s, {QUERIES_SECONDS:.0f} of them a wait for queries",
        flush=True,
    )
