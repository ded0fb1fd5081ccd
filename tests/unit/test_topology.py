"""The queues as they stand on brokers, which refuse other arguments under the same name: a change is a new name."""

from shared.bus.topology import COMMAND_QUEUES, EVENT_QUEUES
from shared.contract.events import Fact

_COMMANDS = {"x-queue-type": "classic", "x-max-length": 10_000, "x-overflow": "reject-publish"}
_LOOKS = 1_000_000_000


def _quorum(next_queue: str, deliveries: int) -> dict[str, str | int]:
    return {
        "x-queue-type": "quorum",
        "x-overflow": "reject-publish",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": next_queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-delivery-limit": deliveries,
    }


def _events(name: str) -> dict[str, dict[str, str | int]]:
    return {
        f"{name}.dead": {"x-queue-type": "quorum", "x-delivery-limit": _LOOKS, "x-message-ttl": 518_400_000},
        **{f"{name}.retry.{number}": _quorum(name, _LOOKS) for number in (1, 2, 3, 4)},
        name: _quorum(f"{name}.dead", 1_000) | {"x-max-length": 100_000},
    }


def test_command_queues_are_what_they_were() -> None:
    names = ["accounts", "accounts.login", "conversations", "conversations.delete"]
    names += ["messages", "messages.sync", "search", "delivery"]
    assert {queue.name: dict(queue.arguments) for queue in COMMAND_QUEUES} == {
        f"commands.{name}": _COMMANDS for name in names
    }


def test_event_queues_are_what_they_were() -> None:
    names = ["events.delivery", "events.search", "events.search.deleted"]
    assert {queue.name: queue.arguments for queue in EVENT_QUEUES} == {name: _events(name) for name in names}


def test_each_fact_is_wanted_by_one_consumer() -> None:
    wanted = [fact for queue in EVENT_QUEUES for fact in queue.facts]
    assert sorted(wanted) == sorted(Fact)
