"""The messages role: storing, reading, changing and deleting single messages."""

from contextlib import AbstractAsyncContextManager

from services.messages.handlers import Messages, routes
from shared.mailbox.role import mailbox_role
from shared.process import Service
from shared.settings import Settings

ROLE = "messages"


def messages(settings: Settings) -> AbstractAsyncContextManager[Service]:
    """Serve the commands."""
    return mailbox_role(ROLE, settings, lambda mailbox: routes(Messages(mailbox)))
