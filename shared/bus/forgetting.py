"""Forgetting: the events of an account that was erased, where they would stay for long.

What is in an event queue itself is not looked for: it is handled within moments, and finds nothing.
"""

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from shared.bus.depths import depth
from shared.bus.envelope import EnvelopeError
from shared.bus.events import batch_message, unpack_events
from shared.bus.link import Session, broker_await, open_channel
from shared.bus.topology import EventQueue
from shared.contract.events import Event


async def forget_account(session: Session, queue: EventQueue, account_id: int) -> int:
    """Drop the account's dead letters and those of its events that wait to come again; return how many."""
    dropped = 0
    for name in (*queue.retries, queue.dead):
        found = await depth(session, name)
        async with open_channel(session, confirms=True) as channel:
            dropped += await _forget(channel, name, found.messages or 0, account_id)
            async with broker_await():
                await channel.close()
    return dropped


async def _forget(channel: AbstractChannel, queue: str, messages: int, account_id: int) -> int:
    dropped, kept = 0, []
    for _ in range(messages):
        async with broker_await():
            message = await (await channel.get_queue(queue, ensure=False)).get(fail=False)
        if message is None:
            break
        events = _events(message)
        others = [event for event in events if event.account_id != account_id]
        if len(others) == len(events):
            kept.append(message)
            continue
        await _replace(channel, queue, message, others)
        dropped += len(events) - len(others)
    for message in kept:
        async with broker_await():
            await message.nack(requeue=True)
    return dropped


async def _replace(channel: AbstractChannel, queue: str, message: AbstractIncomingMessage, others: list[Event]) -> None:
    async with broker_await():
        if others:
            rest = batch_message(others)
            rest.headers, rest.expiration, rest.message_id = message.headers, message.expiration, message.message_id
            await channel.default_exchange.publish(rest, queue)
        await message.ack()


def _events(message: AbstractIncomingMessage) -> list[Event]:
    try:
        return unpack_events(message.body)
    except EnvelopeError:
        return []
