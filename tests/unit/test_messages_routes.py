"""The messages role runs what the contract gives it."""

from services.messages.handlers import routes
from shared.contract import messages, sync
from shared.mailbox.store import Mailbox
from shared.postgres.pool import Database


def test_every_operation_on_messages_and_devices_has_a_route() -> None:
    closed = Database("postgresql://127.0.0.1:1/none", 1, name="test")
    routed = [route.operation for route in routes(Mailbox(closed, closed), device_limit=20)]
    declared = (*messages.OPERATIONS, *sync.OPERATIONS)
    assert sorted(each.name for each in routed) == sorted(each.name for each in declared)
