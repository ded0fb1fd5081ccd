"""What a release puts on the wire and into the database, written down for the next one to be held against.

For each release, when its version is in `shared/version.py`: `python -m tests.release.recording` writes the file. It
needs nothing but `shared`, so it can also be run on the tree of an earlier release.
"""

import json
import sys
from pathlib import Path
from typing import Any

from shared.bus.envelope import Command, Reply, pack_commands, pack_replies
from shared.bus.events import batch_message
from shared.bus.topology import EVENT_QUEUES
from shared.contract.catalogue import OPERATIONS
from shared.contract.events import Event, Fact
from shared.contract.operation import Identity
from shared.contract.reading import read_json
from shared.contract.writing import to_tree
from shared.postgres.migrate import MIGRATIONS
from shared.postgres.migration_files import find_migrations
from shared.version import VERSION

FOLDER = Path(__file__).parent
# What stands for those of the test that sends them.
ACCOUNT, APPLICATION, NUMBER, DEVICE = 900_000_001, 900_000_002, 436_990_900_001, 900_000_003
API_KEY, AUTH_TOKEN, PASSWORD = "recorded-api-key", "recorded-auth-token", "recorded-password"
_ADDRESS = "+436990000001"

REQUESTS: dict[str, dict[str, Any]] = {
    "conversations.get": {},
    "conversations.read": {"address": _ADDRESS},
    "conversations.delete": {"address": _ADDRESS},
    "conversations.delete_list": {"addresses": [_ADDRESS]},
    "message.get_by_conversation": {"address": _ADDRESS, "limit": 3},
    "message.insert": {
        "address": _ADDRESS,
        "message": "recorded",
        "dateSent": "2026-01-02T03:04:05.678Z",
        "read": True,
    },
    "message.send": {"recipient": 436_990_900_009, "message": "recorded"},
    "message.update": {"messageId": 1, "locked": True},
    "message.delete": {"messageId": 1},
    "message.delete_list": {"messageIds": [1, 2]},
    "message.lock_list": {"messageIds": [1]},
    "message.unlock_list": {"messageIds": [1]},
    "message.search": {"query": "recorded"},
    "message.sync": {
        "deviceId": DEVICE,
        "syncs": [{"operation": 1, "messageId": 0, "deviceMessageId": 1, "address": _ADDRESS, "message": "recorded"}],
        "syncAcks": [{"messageId": 1, "deviceMessageId": 1}],
    },
    "device.create": {"os": 1, "messageHistoryLimit": 10},
    "device.update": {"deviceId": DEVICE, "pushRegistrationId": "recorded"},
    "device.client_delete": {"deviceId": DEVICE},
    "user.login": {"msisdn": NUMBER, "password": PASSWORD},
    "contacts.get": {},
    "account.authenticate": {"apiKey": API_KEY, "authToken": AUTH_TOKEN},
    "account.resolve": {"msisdns": [NUMBER], "accountIds": [ACCOUNT]},
    "sms.send": {"recipients": ["+436990900009"], "message": "recorded", "store": True},
}
REPLIES = (Reply(1, 0, b'{"errorCode":0}'), Reply(2, 109, b""), Reply(3, 0, b'{"err', 0, 2, 7))
EVENTS = tuple(Event(fact, ACCOUNT, number, 10 + number, 1_795_000_000_000) for number, fact in enumerate(Fact, 1))


def recorded() -> dict[str, Any]:
    """Return what this code would write down."""
    return {
        "version": VERSION,
        "migrations": {str(migration): migration.checksum for migration in find_migrations(MIGRATIONS)},
        "queues": {operation.name: operation.queue for operation in OPERATIONS if operation.name in REQUESTS},
        "event_queues": [name for queue in EVENT_QUEUES for name in (queue.name, *queue.retries, queue.dead)],
        "commands": {operation.name: _command(operation) for operation in OPERATIONS if operation.name in REQUESTS},
        "replies": pack_replies(REPLIES).decode(),
        "events": batch_message(EVENTS).body.decode(),
    }


def _command(operation: Any) -> str:
    request = to_tree(read_json(operation.request, REQUESTS[operation.name]))
    key = "recorded" if operation.writes and not operation.ignores_key else None
    who = Identity(ACCOUNT, APPLICATION, NUMBER)
    return pack_commands([Command(1, operation.name, 5000, who, "0" * 32, request, key)]).decode()


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    (folder / f"{VERSION}.json").write_text(json.dumps(recorded(), indent=1) + "\n")
