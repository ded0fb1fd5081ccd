"""What is measured: a table of calls, with what each must answer and the goals for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.contract import conversations, messages, sms
from shared.contract.operation import AnyOperation

ACCOUNTS = 200
# The demo accounts have this number and those after it.
_FIRST_NUMBER = 436990000001
CONVERSATIONS = 10
MESSAGES = 50
TEXT = "The quick brown fox jumps over the lazy dog, again and again."


def address(conversation: int) -> str:
    """Return the address of an account's conversation, counted from 0."""
    return f"+43699000{conversation % CONVERSATIONS:04}"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A call of the API.

    `request` gives the wire request of the nth call; `sample` is an answer as the yardsticks without a database give
    it; an answer is right if it holds `mark` `marks` times. A goal is the least ratio of the service's rate to a
    yardstick's, by the yardstick's name; with `settled` of the rate at which all that it set going was done.
    """

    name: str
    operation: AnyOperation
    request: Callable[[int], dict[str, Any]]
    sample: Mapping[str, Any]
    mark: bytes
    marks: int
    goals: Mapping[str, float]
    settled: bool = False

    @property
    def path(self) -> str:
        return f"/rest{self.operation.path}"

    def accepts(self, body: bytes) -> bool:
        """Whether the answer is a success and as large as it must be."""
        return body.startswith(b'{"errorCode":0') and body.count(self.mark) == self.marks


def _message(number: int) -> dict[str, Any]:
    flags = {"incoming": True, "read": False, "locked": False, "origin": 0, "status": 0}
    dates = {"dateSent": 1_750_000_000_000 + number, "dateStatus": None}
    return {"messageId": number, "address": address(number), "message": TEXT, **flags, **dates}


def _conversation(number: int) -> dict[str, Any]:
    counts = {"messagesUnread": 0, "messagesUnsent": 0, "messages": MESSAGES, "maxMessageId": number}
    return {"address": address(number), "snippet": TEXT, **counts, "dateLastMessage": 1_750_000_000_000 + number}


INSERT = Scenario(
    name="insert",
    operation=messages.INSERT,
    request=lambda nth: {"address": address(nth), "message": TEXT},
    sample={"messageId": 1},
    mark=b'"messageId"',
    marks=1,
    goals={"bare aiohttp": 0.20, "plain build": 3.0},
)
SEND = Scenario(
    name="send",
    operation=messages.SEND,
    request=lambda nth: {"recipient": _FIRST_NUMBER + (nth + 1) % ACCOUNTS, "message": TEXT},
    sample={"messageId": 1},
    mark=b'"messageId"',
    marks=1,
    goals={},
)
SEND_BY_CARRIER = Scenario(
    name="send by carrier",
    operation=sms.SEND,
    request=lambda nth: {"recipients": [address(nth)], "message": TEXT, "store": True},
    sample={"remoteSmsSendAcks": [{"messageId": 1}]},
    mark=b'"messageId"',
    marks=1,
    goals={"bare aiohttp": 0.075},
    settled=True,
)
GET_BY_CONVERSATION = Scenario(
    name="get/by/conversation",
    operation=messages.GET_BY_CONVERSATION,
    request=lambda nth: {"address": address(nth), "limit": MESSAGES},
    sample={"messages": [_message(number) for number in range(MESSAGES)]},
    mark=b'"messageId"',
    marks=MESSAGES,
    goals={"plain build": 2.0},
)
GET_CONVERSATIONS = Scenario(
    name="conversations/get",
    operation=conversations.GET,
    request=lambda _: {},
    sample={"conversations": [_conversation(number) for number in range(CONVERSATIONS)]},
    mark=b'"snippet"',
    marks=CONVERSATIONS,
    goals={},
)

SCENARIOS: tuple[Scenario, ...] = (INSERT, SEND, SEND_BY_CARRIER, GET_BY_CONVERSATION, GET_CONVERSATIONS)
