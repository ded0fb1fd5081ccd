"""Admission: who calls, and whether they may call now, in the order of checks that the contract sets.

What is no call of an account, because a secret or a flag stands against it, takes nothing from an application: one
client with a wrong token could use up what all the others have.
"""

from contextlib import suppress

from services.gateway.authenticate import Authenticator
from services.gateway.limits import Limiter, LimitReached
from shared.contract.accounts import SECRET_LIMIT, AuthenticateRequest, AuthenticateResponse
from shared.contract.faults import Fault, Refused
from shared.contract.operation import AnyOperation, Credentials, Identity


class Admission:
    """Admits a call, or raises `Refused` with 600, 98, 100, 97 in that order."""

    def __init__(self, authenticator: Authenticator, limiter: Limiter) -> None:
        self._authenticator = authenticator
        self._limiter = limiter

    async def admit(
        self, operation: AnyOperation, secrets: AuthenticateRequest, address: str, trace: str, deadline: float
    ) -> Identity:
        """Return who calls, before the deadline on the monotonic clock. `address` is the client's."""
        with_account = operation.credentials is Credentials.ACCOUNT
        auth_token = secrets.auth_token if with_account else ""
        found = await self._look_up(secrets.api_key, auth_token, address, trace, deadline)
        if not found.application_id:
            with suppress(LimitReached):  # 600 comes first, once it is known
                await self._limiter.failed(address)
            raise Refused(Fault.API_KEY_INVALID)
        if with_account and not found.account_id:
            await self._limiter.failed(address, found.application_id)
            raise Refused(Fault.AUTH_TOKEN_INVALID)
        if not with_account:
            await self._limiter.login(found.application_id, address)
        if found.application_disabled or found.account_disabled:
            await self._limiter.application(found.application_id)
            raise Refused(Fault.ACCESS_DENIED)
        return Identity(found.account_id, found.application_id, found.msisdn)

    async def _look_up(
        self, api_key: str, auth_token: str, address: str, trace: str, deadline: float
    ) -> AuthenticateResponse:
        if not api_key or not _possible(api_key):
            raise Refused(Fault.API_KEY_INVALID)
        if not _possible(auth_token):
            auth_token = ""  # a token that cannot exist: the application alone decides between 600 and 100
        found = self._authenticator.remembered(api_key, auth_token)
        if found is None:
            self._limiter.may_fail(address)
            found = await self._authenticator.look_up(api_key, auth_token, trace, deadline)
        return found


def _possible(secret: str) -> bool:
    # Ours have 43 characters. What cannot be one is neither looked up nor remembered, so it takes no memory.
    return len(secret) <= SECRET_LIMIT and "\0" not in secret
