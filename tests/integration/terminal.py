"""The `usermessage` command line as a person uses it, in this process."""

import asyncio
import io
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL
from typing import Any
from unittest.mock import patch

import asyncpg
import pytest

from deploy.local.servers import Servers
from services.cli.__main__ import main
from tests.integration.fresh_database import fresh_database

ROOT = Path(__file__).parents[2]
NUMBER = "436990000001"


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def exit_code(arguments: Sequence[str]) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    code = left.value.code
    assert isinstance(code, int)
    return code


@dataclass(frozen=True, slots=True)
class Terminal:
    """Runs commands against one database."""

    environment: Mapping[str, str]

    def run(self, *arguments: str, text: str = "", **environment: str) -> Done:
        """Run one command in a thread of this process, which takes a tenth of the time of a new one."""
        # Text over octets, as a process has it: some commands write octets.
        octets, err = io.BytesIO(), io.StringIO()
        out = io.TextIOWrapper(octets, encoding="utf-8", write_through=True)
        with (
            patch.dict(os.environ, {**self.environment, **environment}),
            patch("sys.stdin", io.StringIO(text, newline="")),
            redirect_stdout(out),
            redirect_stderr(err),
            ThreadPoolExecutor(1) as thread,
        ):
            code = thread.submit(exit_code, arguments).result()
        return Done(code, octets.getvalue().decode(), err.getvalue())

    async def process(self, *arguments: str) -> int:
        """Run one command as a program of its own, beside others, and return its exit code."""
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.cli", *arguments,
            cwd=ROOT, env={**os.environ, **self.environment}, stdout=DEVNULL, stderr=DEVNULL,
        )  # fmt: skip
        return await program.wait()

    def rows(self, *arguments: str, text: str = "") -> list[dict[str, Any]]:
        done = self.run(*arguments, "--json", text=text)
        assert (done.returncode, done.stderr) == (0, "")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def row(self, *arguments: str, text: str = "") -> dict[str, Any]:
        (row,) = self.rows(*arguments, text=text)
        return row

    def account(self, number: str = NUMBER) -> int:
        return int(self.row("accounts", "create", number, text="secret\n")["id"])

    async def value(self, query: str, *arguments: object) -> Any:
        connection = await asyncpg.connect(self.environment["DATABASE_URL"])
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()


@asynccontextmanager
async def terminal_of(servers: Servers) -> AsyncIterator[Terminal]:
    """Yield a terminal with a migrated database of its own."""
    async with fresh_database(servers) as url:
        terminal = Terminal({"DATABASE_URL": url, "AMQP_URL": servers.rabbitmq.url, "SEARCH_BACKEND": "postgres"})
        assert "applied 0001_accounts.before" in terminal.run("migrate").stdout
        yield terminal


async def emptied(terminal: Terminal) -> Terminal:
    """Return the terminal, its database without accounts and keys."""
    await terminal.value("truncate account, api_key, login_attempt cascade")
    return terminal
