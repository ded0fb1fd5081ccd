"""A call that a phone gave up is found late, behind the answer to its repeat, and changes nothing any more."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pytest

from deploy.local.ports import free_port
from deploy.local.process import wait_until
from deploy.local.roles import sees_workers
from tests.end_to_end.sync_client import Call, Later, Server, Tree
from tests.reliability.device import Phone
from tests.reliability.sync_mailbox import Mailbox
from tests.reliability.sync_state import shown, stored
from tests.reliability.sync_worlds import SyncWorlds
from tests.running import Account, Role, Stack

# Not a second, of which too little would be left to begin a write.
BUDGET_SECONDS = 2.0
ADDRESS = "+436990000001"
_GIVEN_UP_SECONDS = 0.7
_MESSAGES = 10
_RUN = "usermessage_commands_total{"


@pytest.fixture
def gateway(stack: Stack, tmp_path: Path) -> Iterator[Role]:
    """Yield a gateway whose calls have a short budget, before two workers that run syncs."""
    short = {"BUDGET_SECONDS": str(BUDGET_SECONDS), "PORT": str(free_port())}
    gateway = stack.another("gateway", short, tmp_path)
    stack.scale({"messages": 2})
    try:
        gateway.start()
        wait_until(partial(sees_workers, gateway.health_port), "the gateway's sight of the workers", 30)
        yield gateway
    finally:
        gateway.stop()
        stack.scale({"messages": 1})


class Waiting:
    """Calls a gateway, gives up what is not answered soon, and asks for the wait that makes the next call safe."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.given_up = 0

    def call(self, path: str, fields: Tree) -> Tree:
        try:
            return self._call(path, fields)
        except Later:
            self.given_up += 1
            raise Later(BUDGET_SECONDS) from None


def test_a_worker_that_finds_a_call_late_does_not_run_it(gateway: Role, stack: Stack, sync_worlds: SyncWorlds) -> None:
    account, slow = sync_worlds.fresh_account(), stack.roles["messages"]
    with ExitStack() as open_until_the_end:
        mailbox = open_until_the_end.enter_context(sync_worlds.mailbox(account))
        api = open_until_the_end.enter_context(closing(_server(stack.base_url, stack, account, 30.0)))
        server = open_until_the_end.enter_context(closing(_server(gateway.base_url, stack, account, _GIVEN_UP_SECONDS)))
        waiting = Waiting(server.call)
        phone = Phone(waiting.call, api.call("/user/device/create", {})["deviceId"])
        for _ in range(_MESSAGES):
            api.call("/user/message/insert", {"address": ADDRESS, "message": "hi"})
        slow.process.signal(signal.SIGSTOP)
        try:
            _give_up_and_repeat(phone, waiting, mailbox)
        finally:
            slow.process.signal(signal.SIGCONT)
        before = _run(slow)
        # It takes what is new behind all that it was given before.
        wait_until(lambda: _reads(api) and _run(slow) > before, "the worker", 30)
        phone.catch_up()
        view = {each["messageId"]: shown(each) for each in phone.store.messages.values()}
        assert view == stored(lambda path, **fields: api.call(path, fields))


def _give_up_and_repeat(phone: Phone, waiting: Waiting, mailbox: Mailbox) -> None:
    """Let a call go to the worker that stands still, and its repeat to the other; then change what that told."""
    for message_id in range(1, _MESSAGES + 1):
        mailbox.mark(message_id, read=True)
        given_up = waiting.given_up
        phone.sync(again=True)
        if given_up == waiting.given_up > 0:
            mailbox.mark(message_id, read=False)
            return
    raise AssertionError("no call went to the worker that stands still, or none to the other")


def _server(base_url: str, stack: Stack, account: Account, patience: float) -> Server:
    return Server(base_url, stack.api_key, account.auth_token, patience)


def _reads(api: Server) -> bool:
    with suppress(Later):
        api.call("/user/message/get/by/conversation", {"address": ADDRESS})
    return True


def _run(worker: Role) -> float:
    with urlopen(f"http://127.0.0.1:{worker.health_port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(_RUN))
