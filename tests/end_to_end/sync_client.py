"""A reference client of `/user/message/sync`: what a phone does to stay equal to the server, and nothing else."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

UPDATE, INSERT, DELETE = 0, 1, 2
FIELDS = ("address", "message", "incoming", "read", "locked", "origin", "status", "dateSent", "dateStatus")
# A body may have 1 MiB, and there are acks in it too.
CHANGES_AT_ONCE, OCTETS_AT_ONCE = 100, 900_000
# A call that broke off or was answered 99 may still run for so long. Were it repeated earlier, the late copy could put
# changes into an answer that nobody reads, and the next acks would confirm them.
OPEN_SECONDS = 5.0

Tree = dict[str, Any]
Call = Callable[[str, Tree], Tree]


class Later(Exception):  # noqa: N818 - nothing is wrong yet
    """There is no answer to go by: call again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Refused(Exception):  # noqa: N818 - it is an answer
    """The call did nothing; the argument is the code. After 105 the phone is a new device, with an empty store."""


class Server:
    """The endpoints of one account, as JSON over one connection."""

    def __init__(self, base_url: str, api_key: str, auth_token: str, patience: float = 30.0) -> None:
        self._connection = HTTPConnection(urlsplit(base_url).netloc, timeout=patience)
        self._secrets = {"apiKey": api_key, "authToken": auth_token}

    def call(self, path: str, fields: Tree) -> Tree:
        """Return an answer with code 0; raises `Later` or `Refused`."""
        body = json.dumps({**self._secrets, **fields})
        try:
            self._connection.request("POST", f"/json{path}", body, {"Content-Type": "application/json"})
            response = self._connection.getresponse()
            answer: Tree = json.loads(response.read()) if response.status == 200 else {"errorCode": response.status}
        except (OSError, HTTPException) as error:
            self.close()
            raise Later(OPEN_SECONDS) from error
        if answer["errorCode"] in (98, 99) or response.status >= 500:
            raise Later(float(response.headers.get("Retry-After", OPEN_SECONDS)))
        if answer["errorCode"]:
            raise Refused(answer["errorCode"])
        return answer

    def close(self) -> None:
        self._connection.close()


# A real client has a database, in which `apply` and `settle` are a transaction each.
@dataclass
class Store:
    """What outlives a crash. Messages go by their `deviceMessageId`; `pairs` finds it by the `messageId`, for ever."""

    messages: dict[int, Tree] = field(default_factory=dict)
    pairs: dict[int, int] = field(default_factory=dict)
    last_id: int = 0
    changes: list[Tree] = field(default_factory=list)
    acks: list[Tree] = field(default_factory=list)


class SyncClient:
    """One device. `insert`, `update` and `delete` need no network; `exchange` tells the server and asks it."""

    def __init__(self, call: Call, device_id: int, store: Store, limit: int = 100) -> None:
        self._call, self._device_id, self.store, self._limit = call, device_id, store, limit

    def insert(self, **fields: Any) -> int:
        """Store a message with all its `FIELDS`; return its `deviceMessageId`, which is never used again."""
        own_id = self.store.last_id = self.store.last_id + 1
        self.store.messages[own_id] = {"messageId": 0, **fields}
        self._changed(INSERT, own_id, fields)
        return own_id

    def update(self, own_id: int, **fields: Any) -> None:
        self.store.messages[own_id].update(fields)
        self._changed(UPDATE, own_id, fields)

    def delete(self, own_id: int) -> None:
        self._changed(DELETE, own_id, {})
        del self.store.messages[own_id]

    def catch_up(self) -> None:
        """Exchange until neither side has anything to tell."""
        while True:
            try:
                if not self.exchange():
                    return
            except Later as later:
                time.sleep(later.seconds)

    def exchange(self) -> bool:
        """Make one call and take its answer over; return whether either side had anything to tell."""
        request = self.request()
        answer = self._call("/user/message/sync", request)
        # First the acks: an entry of `syncs` may name a message whose id the phone learns from them.
        for ack in answer["syncAcks"]:
            self._pair(ack["messageId"], ack["deviceMessageId"])
        unsent = self.store.changes[len(request["syncs"]) :]
        self.settle(unsent, [self.apply(sync, unsent) for sync in answer["syncs"]])
        return bool(request["syncs"] or request["syncAcks"] or answer["syncs"])

    def request(self) -> Tree:
        """Return the next call. After a lost answer it tells all that the lost call told, and what came since."""
        syncs = self.store.changes[:CHANGES_AT_ONCE]
        while len(syncs) > 1 and len(json.dumps(syncs)) > OCTETS_AT_ONCE:
            syncs = syncs[: len(syncs) // 2]
        return {"deviceId": self._device_id, "syncs": syncs, "syncAcks": self.store.acks, "syncLimit": self._limit}

    def apply(self, sync: Tree, unsent: Sequence[Tree]) -> Tree:
        """Take one change over; return its ack. Done again, it changes nothing more."""
        message_id = sync["messageId"]
        known = self.store.pairs.get(message_id, 0)
        if sync["operation"] == DELETE:
            self.store.messages.pop(known, None)
        elif not known or known in self.store.messages:  # else it was deleted here, which the server is yet to be told
            self.store.last_id += not known
            own_id = known or self.store.last_id
            state = {name: sync.get(name) for name in FIELDS}
            for change in unsent:  # what was written here since the call is newer than its answer
                if change["deviceMessageId"] == own_id:
                    state.update({name: change[name] for name in FIELDS if name in change})
            self.store.messages[own_id] = state
            self._pair(message_id, own_id)
        return {"messageId": message_id, "deviceMessageId": self.store.pairs.get(message_id, 0)}

    def settle(self, unsent: list[Tree], acks: list[Tree]) -> None:
        self.store.changes, self.store.acks = unsent, acks

    def _changed(self, operation: int, own_id: int, fields: Tree) -> None:
        ids = {"messageId": self.store.messages[own_id]["messageId"], "deviceMessageId": own_id}
        self.store.changes.append({"operation": operation, **ids, **fields})

    def _pair(self, message_id: int, own_id: int) -> None:
        if message_id and own_id:
            self.store.pairs[message_id] = own_id
            if own_id in self.store.messages:
                self.store.messages[own_id]["messageId"] = message_id
