"""The commands of the accounts role."""

import asyncio
from collections.abc import Sequence

from services.accounts.passwords import Passwords
from services.accounts.store import Login, Store
from services.accounts.tokens import new_secret
from shared.bus.routes import Context, Outcome, Route, route, route_group
from shared.contract.accounts import (
    AUTHENTICATE,
    LOGIN,
    AuthenticateRequest,
    AuthenticateResponse,
    UserLoginRequest,
    UserLoginResponse,
)
from shared.contract.faults import Away, Fault, Refused


class Accounts:
    """Logs accounts in and says whom secrets name."""

    def __init__(self, store: Store, passwords: Passwords) -> None:
        self._store = store
        self._passwords = passwords

    async def login(self, request: UserLoginRequest, context: Context) -> UserLoginResponse:
        """Give a new token for number and password; older ones stay valid.

        `key` and `check_key` are read and have no effect yet, and wrong passwords do not block a number yet.
        """
        login = await self._store.login_of(request.msisdn, seconds=context.remaining())
        if login is None:
            raise Refused(Fault.NUMBER_NOT_KNOWN)
        if not await self._right(request.password, login, context):
            raise Refused(Fault.CREDENTIALS_WRONG)
        token = new_secret()
        added = not login.disabled and await self._store.add_token(
            token, login, context.identity.application_id, seconds=context.remaining()
        )
        if not added:
            raise Refused(Fault.ACCESS_DENIED)
        return UserLoginResponse(auth_token=token)

    async def authenticate(
        self, requests: Sequence[tuple[AuthenticateRequest, Context]]
    ) -> Sequence[Outcome[AuthenticateResponse]]:
        """Say whom each pair of secrets names, all in one statement."""
        patience = max(context.remaining() for _, context in requests)
        return await self._store.authenticate([request for request, _ in requests], seconds=patience)

    async def _right(self, password: str, login: Login, context: Context) -> bool:
        if login.password_hash is None:
            return False
        try:
            async with asyncio.timeout(context.remaining()):
                return await self._passwords.right(password, login.password_hash)
        except TimeoutError:
            raise Away("no thread for a password in time") from None


def routes(accounts: Accounts) -> tuple[Route, ...]:
    """Return what this role runs."""
    return (
        route(LOGIN, accounts.login),
        route_group(AUTHENTICATE, accounts.authenticate),
    )
