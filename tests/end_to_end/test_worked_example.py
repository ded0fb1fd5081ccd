"""The example in the document for people who write clients: played, and answered word for word as it says there."""

import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.end_to_end.sync_client import Server
from tests.running import Stack

DOCUMENT = Path(__file__).parents[2] / "shared" / "contract" / "README.md"
_EXCHANGE = re.compile(r"^`POST /json(\S+)`\n\n```json\n(.*?)\n```\n\n```json\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
_SECRETS = ("apiKey", "authToken")


async def test_the_worked_example_is_what_happens(stack: Stack) -> None:
    exchanges = [(path, *map(json.loads, texts)) for path, *texts in _EXCHANGE.findall(DOCUMENT.read_text("utf-8"))]
    assert len(exchanges) == 9
    account = await stack.account()
    with closing(Server(stack.base_url, stack.api_key, account.auth_token)) as server:
        device = 0
        for path, request, documented in exchanges:
            fields = _with_device({name: each for name, each in request.items() if name not in _SECRETS}, device)
            answer = server.call(path, fields)
            device = answer.get("deviceId", device)
            assert answer == _with_device(documented, device), f"{path} {request}"


def _with_device(tree: dict[str, Any], device: int) -> dict[str, Any]:
    return {**tree, "deviceId": device} if "deviceId" in tree else tree
