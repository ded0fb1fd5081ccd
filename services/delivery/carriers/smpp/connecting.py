"""Connecting: a session, or a pair of them, that is bound."""

import asyncio

from services.delivery.carriers.smpp import pdus, statuses
from services.delivery.carriers.smpp.options import SmppOptions
from services.delivery.carriers.smpp.pending import NoAnswer
from services.delivery.carriers.smpp.session import Hears, NotWritten, Session, Timers


class NotBound(Exception):  # noqa: N818 - it is what happened
    """No session; `status` where the carrier refused one."""

    def __init__(self, why: str, status: int = 0) -> None:
        super().__init__(why)
        self.status = status


async def bound(name: str, options: SmppOptions, hears: Hears) -> list[Session]:
    """Return the sessions of a link, the one that submits first; raise `NotBound`."""
    commands = [pdus.BIND_TRANSCEIVER] if options.bind == "transceiver" else [pdus.BIND_TRANSMITTER, pdus.BIND_RECEIVER]
    sessions: list[Session] = []
    try:
        for command in commands:
            session = await _connected(name, options, hears)
            sessions.append(session)
            await _bind(session, command, options)
    except BaseException:
        for session in sessions:
            session.close("not bound")
        raise
    return sessions


async def _connected(name: str, options: SmppOptions, hears: Hears) -> Session:
    timers = Timers(options.enquire_seconds, options.answer_seconds)
    tls = options.tls
    try:
        async with asyncio.timeout(options.connect_seconds):
            _, session = await asyncio.get_running_loop().create_connection(
                lambda: Session(name, timers, hears),
                options.host,
                options.port,
                ssl=tls.context() if tls else None,
                server_hostname=(tls.server_name or options.host) if tls else None,
            )
    except (OSError, ValueError) as error:
        raise NotBound(type(error).__name__) from None
    return session


async def _bind(session: Session, command: int, options: SmppOptions) -> None:
    password = options.password.get_secret_value()
    try:
        answer = await session.ask(pdus.bind(command, options.system_id, password, options.system_type))
    except (NoAnswer, NotWritten) as error:
        raise NotBound(str(error)) from None
    if answer.status != pdus.OK or answer.command == pdus.GENERIC_NACK:
        raise NotBound(f"refused with {statuses.shown(answer.status)}", answer.status)
    session.watch()
