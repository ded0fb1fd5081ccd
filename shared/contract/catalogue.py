"""Every operation of the service, in one tuple."""

from shared.contract import accounts, conversations, messages, search, sms, sync
from shared.contract.operation import AnyOperation

OPERATIONS: tuple[AnyOperation, ...] = (
    conversations.OPERATIONS
    + messages.OPERATIONS
    + sync.OPERATIONS
    + search.OPERATIONS
    + accounts.OPERATIONS
    + sms.OPERATIONS
)
