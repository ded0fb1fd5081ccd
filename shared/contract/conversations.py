"""Conversations: the list entry, and every operation on whole conversations."""

from dataclasses import dataclass

from shared.contract.operation import AnyOperation, Bucket, Operation
from shared.contract.scalars import ADDRESS, DATE, INT, STRING
from shared.contract.shape import many, required, value

QUEUE = "commands.conversations"
DELETE_QUEUE = "commands.conversations.delete"
LIST_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class UserMessageConversation:
    """One conversation; `snippet` is the first 100 code points of its newest message, the date in ms since 1970."""

    address: str = value(STRING)
    snippet: str = value(STRING)
    messages_unread: int = value(INT)
    messages_unsent: int = value(INT)
    messages: int = value(INT)
    max_message_id: int = value(INT)
    date_last_message: int = value(DATE)


@dataclass(frozen=True, slots=True)
class UserMessageGetConversationsRequest:
    pass


@dataclass(frozen=True, slots=True)
class UserMessageGetConversationsResponse:
    conversations: tuple[UserMessageConversation, ...] = many(UserMessageConversation)


@dataclass(frozen=True, slots=True)
class UserMessageReadConversationRequest:
    address: str = required(ADDRESS)


@dataclass(frozen=True, slots=True)
class UserMessageReadConversationResponse:
    pass


@dataclass(frozen=True, slots=True)
class UserMessageDeleteConversationRequest:
    address: str = required(ADDRESS)


@dataclass(frozen=True, slots=True)
class UserMessageDeleteConversationResponse:
    pass


@dataclass(frozen=True, slots=True)
class UserMessageDeleteConversationListRequest:
    addresses: tuple[str, ...] = many(ADDRESS, required=True, limit=LIST_LIMIT)


@dataclass(frozen=True, slots=True)
class UserMessageDeleteConversationListResponse:
    pass


GET = Operation(
    name="conversations.get",
    path="/user/message/conversations/get",
    request=UserMessageGetConversationsRequest,
    reply=UserMessageGetConversationsResponse,
    queue=QUEUE,
    bucket=Bucket.READ,
    writes=False,
)
READ = Operation(
    name="conversations.read",
    path="/user/message/conversations/read",
    request=UserMessageReadConversationRequest,
    reply=UserMessageReadConversationResponse,
    queue=QUEUE,
    bucket=Bucket.WRITE,
    writes=True,
    group=64,
)
DELETE = Operation(
    name="conversations.delete",
    path="/user/message/conversations/delete",
    request=UserMessageDeleteConversationRequest,
    reply=UserMessageDeleteConversationResponse,
    queue=DELETE_QUEUE,
    bucket=Bucket.WRITE,
    writes=True,
)
DELETE_LIST = Operation(
    name="conversations.delete_list",
    path="/user/message/conversations/delete/list",
    request=UserMessageDeleteConversationListRequest,
    reply=UserMessageDeleteConversationListResponse,
    queue=DELETE_QUEUE,
    bucket=Bucket.WRITE,
    writes=True,
)

OPERATIONS: tuple[AnyOperation, ...] = (GET, READ, DELETE, DELETE_LIST)
