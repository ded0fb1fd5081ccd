"""What the server has of an account, as a device is given it, with its counters held against a count."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.end_to_end.sync_client import FIELDS, Tree

Ask = Callable[..., Tree]
SNIPPET, PAGE = 100, 1000
# How a device is given the states that only the server knows.
_STATUSES = {4: 1, 5: 3}


def stored(ask: Ask) -> dict[int, Tree]:
    """Read every message by its id; raises `AssertionError` where the conversations do not fit their messages."""
    conversations: list[Tree] = ask("/user/message/conversations/get")["conversations"]
    pages = {each["address"]: _messages(ask, each["address"]) for each in conversations}
    newest_first = sorted(
        pages.items(), key=lambda page: (page[1][0]["dateSent"], page[1][0]["messageId"]), reverse=True
    )
    assert conversations == [_conversation(address, page) for address, page in newest_first]
    return {message["messageId"]: shown(message) for page in pages.values() for message in page}


def shown(message: Mapping[str, Any]) -> Tree:
    """Return what a device and the server must agree on."""
    fields = {name: message[name] for name in FIELDS}
    return {**fields, "status": _STATUSES.get(fields["status"], fields["status"])}


def difference(view: Mapping[int, Tree], server: Mapping[int, Tree]) -> list[tuple[int, Tree | None, Tree | None]]:
    """Return id, device's and server's state of each message on which they do not agree."""
    ids = sorted(view.keys() | server.keys())
    return [(each, view.get(each), server.get(each)) for each in ids if view.get(each) != server.get(each)]


def _by_place(conversations: Sequence[Tree]) -> dict[int, Tree]:
    return dict(enumerate(conversations))


def _messages(ask: Ask, address: str) -> list[Tree]:
    found: list[Tree] = []
    while True:
        page = ask("/user/message/get/by/conversation", address=address, limit=PAGE, offset=len(found))["messages"]
        found += page
        if len(page) < PAGE:
            return found


def _conversation(address: str, page: list[Tree]) -> Tree:
    return {
        "address": address,
        "snippet": page[0]["message"][:SNIPPET],
        "messagesUnread": sum(each["incoming"] and not each["read"] for each in page),
        "messagesUnsent": sum(not each["incoming"] and each["status"] == 5 for each in page),
        "messages": len(page),
        "maxMessageId": max(each["messageId"] for each in page),
        "dateLastMessage": page[0]["dateSent"],
    }
