"""The commands of the accounts role."""

import asyncio
from collections.abc import Mapping, Sequence

from services.accounts.passwords import Passwords
from services.accounts.store import Login, NewToken, Store
from services.accounts.tokens import new_secret
from shared.bus.routes import Context, Outcome, Route, route, route_group
from shared.contract.accounts import (
    AUTHENTICATE,
    GET_CONTACTS,
    LOGIN,
    RESOLVE,
    AuthenticateRequest,
    AuthenticateResponse,
    ResolveRequest,
    ResolveResponse,
    UserContactGetContactsRequest,
    UserLoginRequest,
    UserLoginResponse,
)
from shared.contract.faults import Away, Fault, Refused


class Accounts:
    """Logs accounts in, says whom secrets name, and reads contacts.

    With a `hidden_hash`, that of a password nobody knows, unknown numbers are treated like known ones.
    """

    def __init__(self, store: Store, passwords: Passwords, hidden_hash: str | None = None) -> None:
        self._store = store
        self._passwords = passwords
        self._hidden_hash = hidden_hash

    async def login(self, request: UserLoginRequest, context: Context) -> UserLoginResponse:
        """Give a new token for number and password; older ones stay valid."""
        login = await self._store.login_of(request.msisdn, seconds=context.remaining())
        if login.account_id is None and self._hidden_hash is None:
            raise Refused(Fault.NUMBER_NOT_KNOWN)
        if login.blocked:
            raise Refused(Fault.LOGIN_BLOCKED)
        if not await self._right(request.password, login, context):
            raise Refused(await self._store.count_wrong_password(login, seconds=context.remaining()))
        new = NewToken(new_secret(), context.identity.application_id, request.key, request.check_key)
        refusal = await self._store.conclude(login, new, seconds=context.remaining())
        if refusal is not None:
            raise Refused(refusal)
        return UserLoginResponse(auth_token=new.token)

    async def contacts(self, request: UserContactGetContactsRequest, context: Context) -> Mapping[str, object]:
        """Return the account's contacts in the order of the file that they came from."""
        del request
        account_id = context.identity.account_id
        return {"contacts": await self._store.contacts_of(account_id, seconds=context.remaining())}

    async def authenticate(
        self, requests: Sequence[tuple[AuthenticateRequest, Context]]
    ) -> Sequence[Outcome[AuthenticateResponse]]:
        """Say whom each pair of secrets names, all in one statement."""
        patience = max(context.remaining() for _, context in requests)
        return await self._store.authenticate([request for request, _ in requests], seconds=patience)

    async def resolve(self, request: ResolveRequest, context: Context) -> ResolveResponse:
        """Say whose numbers these are, and which numbers these accounts have."""
        return await self._store.resolve(request, seconds=context.remaining())

    async def _right(self, password: str, login: Login, context: Context) -> bool:
        hashed = login.password_hash or self._hidden_hash
        if hashed is None:
            return False
        try:
            async with asyncio.timeout(context.remaining()):
                return await self._passwords.right(password, hashed)
        except TimeoutError:
            raise Away("no thread for a password in time") from None


def routes(accounts: Accounts) -> tuple[Route, ...]:
    """Return what this role runs."""
    return (
        route(LOGIN, accounts.login),
        route(GET_CONTACTS, accounts.contacts),
        route_group(AUTHENTICATE, accounts.authenticate),
        route(RESOLVE, accounts.resolve),
    )
