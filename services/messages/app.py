"""The messages role: storing, reading, sending, changing and deleting messages, and the devices."""

from contextlib import AbstractAsyncContextManager

from services.messages.handlers import routes
from shared.mailbox.role import mailbox_role
from shared.process import Service
from shared.settings import Settings
from shared.worker import Work

ROLE = "messages"


def messages(settings: Settings) -> AbstractAsyncContextManager[Service]:
    """Serve the commands."""
    return mailbox_role(
        ROLE, settings, lambda mailbox: Work(routes=routes(mailbox, device_limit=settings.device_limit))
    )
