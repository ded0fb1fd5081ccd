"""Demo data of a local stack: one application, and accounts with numbers that nobody has."""

import http.client
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deploy.local.commands import CommandLine, create_key, import_accounts
from deploy.local.state import State, write_private


class DemoError(RuntimeError):
    """The stack answered a demo call with an error."""


def show(
    folder: Path, state: State, run: CommandLine, base_urls: Sequence[str], *, accounts: int, say: Callable[[str], None]
) -> None:
    """Make what is missing of the demo, log in, and print how to call it."""
    say(f"making sure of {accounts} demo accounts")
    data = fill(folder, state, run, base_urls, accounts)
    log_in(base_urls[0], data["api_key"], data["accounts"][0])
    say(f"ready: {', '.join(base_urls)} (keys and accounts in {folder / 'demo.json'})\n")
    print(calls(data))


def fill(folder: Path, state: State, run: CommandLine, base_urls: Sequence[str], accounts: int) -> dict[str, Any]:
    """Make the demo application and accounts that are missing, and write `demo.json`; return it."""
    path = folder / "demo.json"
    known = _read(path)
    key = known or create_key(run, "demo")
    key_id = int(state.get("demo_key_id") or state.put("demo_key_id", str(key.get("id"))))
    people = known.get("accounts", [])
    demo = {**_addresses(base_urls), "api_key": key["api_key"], "accounts": people}
    fresh = [(number, secrets.token_urlsafe(9)) for number in _numbers(state, accounts - len(people))]
    if fresh:
        _write(path, demo)
        created = import_accounts(run, fresh, key_id)
        people.extend(_person(row, password) for row, (_, password) in zip(created, fresh, strict=True))
    _write(path, demo)
    return demo


def set_addresses(folder: Path, base_urls: Sequence[str]) -> None:
    """Write into `demo.json`, if there is one, where the gateways are; it stays while none runs."""
    path = folder / "demo.json"
    known = _read(path)
    if known and base_urls:
        _write(path, {**known, **_addresses(base_urls)})


def _addresses(base_urls: Sequence[str]) -> dict[str, Any]:
    return {"base_url": base_urls[0], "base_urls": list(base_urls)}


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _write(path: Path, demo: Mapping[str, Any]) -> None:
    write_private(path, json.dumps(demo, indent=2) + "\n")


def _numbers(state: State, count: int) -> list[str]:
    """Reserve numbers first, so that an import that broke off does not stand in the way of the next one."""
    first = int(state.get("demo_next_number") or 436990000001)
    if count > 0:
        state.put("demo_next_number", str(first + count))
    return [str(first + place) for place in range(count)]


def _person(row: Mapping[str, Any], password: str) -> dict[str, str]:
    return {"msisdn": str(row["msisdn"]), "password": password, "auth_token": row["auth_token"]}


def log_in(base_url: str, api_key: str, person: Mapping[str, str]) -> str:
    """Log in over HTTP; return the token, or raise `DemoError`."""
    body = {"apiKey": api_key, "msisdn": int(person["msisdn"]), "password": person["password"]}
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=30)
    try:
        connection.request("POST", "/json/user/login", json.dumps(body), {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    if answer.get("errorCode") != 0:
        raise DemoError(f"login of a demo account answered {answer.get('errorCode')}")
    return str(answer["authToken"])


def calls(demo: Mapping[str, Any]) -> str:
    """Write two calls to paste into a shell: one inserts as JSON, one lists conversations as XML."""
    secrets_of_call = (demo["api_key"], demo["accounts"][0]["auth_token"])
    insert = json.dumps(
        {
            "apiKey": secrets_of_call[0],
            "authToken": secrets_of_call[1],
            "address": "+436990000999",
            "message": "Hello from the demo",
        }
    )
    key, token = (
        f"<{name}>{value}</{name}>" for name, value in zip(("apiKey", "authToken"), secrets_of_call, strict=True)
    )
    listing = f"<userMessageGetConversationsRequest>{key}{token}</userMessageGetConversationsRequest>"
    base = f"{demo['base_url']}/rest/user/message"
    return "\n".join(
        f"curl -s {base}/{path} -H 'Content-Type: application/{kind}' \\\n  -d '{body}'\n"
        for path, kind, body in (("insert", "json", insert), ("conversations/get", "xml", listing))
    )
