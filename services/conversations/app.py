"""The conversations role: commands on whole conversations."""

from contextlib import AbstractAsyncContextManager

from services.conversations.handlers import Conversations, routes
from shared.mailbox.role import mailbox_role
from shared.process import Service
from shared.settings import Settings

ROLE = "conversations"


def conversations(settings: Settings) -> AbstractAsyncContextManager[Service]:
    """Serve the commands."""
    return mailbox_role(ROLE, settings, lambda mailbox: routes(Conversations(mailbox)))
