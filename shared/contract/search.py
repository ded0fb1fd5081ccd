"""Search: one operation over the text of an account's messages."""

from dataclasses import dataclass

from shared.contract.faults import Fault
from shared.contract.messages import UserMessageMessage
from shared.contract.operation import AnyOperation, Bucket, Operation
from shared.contract.rules import characters, not_negative
from shared.contract.scalars import ADDRESS, BOOLEAN, INT, STRING
from shared.contract.shape import many, optional, value

QUEUE = "commands.search"
QUERY_LIMIT = 8192


@dataclass(frozen=True, slots=True)
class UserMessageSearchRequest:
    """A query, within one conversation where `address` is given; `limit` 0 is 100, at most 1,000."""

    query: str = value(STRING, characters(QUERY_LIMIT))
    address: str | None = optional(ADDRESS)
    locked: bool = value(BOOLEAN)
    limit: int = value(INT, not_negative)


@dataclass(frozen=True, slots=True)
class UserMessageSearchResponse:
    messages: tuple[UserMessageMessage, ...] = many(UserMessageMessage)


def _query_or_locked(request: UserMessageSearchRequest) -> Fault | None:
    return None if request.locked or request.query.strip() else Fault.PARAMETER_MISSING


SEARCH = Operation(
    name="message.search",
    path="/user/message/search",
    request=UserMessageSearchRequest,
    reply=UserMessageSearchResponse,
    queue=QUEUE,
    bucket=Bucket.READ,
    writes=False,
    rule=_query_or_locked,
)

OPERATIONS: tuple[AnyOperation, ...] = (SEARCH,)
