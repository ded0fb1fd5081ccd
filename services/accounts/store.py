"""What the accounts role reads and writes for its commands."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.accounts.tokens import digest
from shared.contract.accounts import AuthenticateRequest, AuthenticateResponse
from shared.postgres.pool import Database
from shared.postgres.queries import Queries

SQL = Path(__file__).parent / "sql"


@dataclass(frozen=True, slots=True)
class Login:
    """What a login is checked against; an account without a password has no hash."""

    account_id: int
    password_hash: str | None
    disabled: bool


class Store:
    """Reads and writes accounts and tokens; `seconds` is how long each may take."""

    def __init__(self, database: Database, queries: Queries) -> None:
        self._database = database
        self._queries = queries

    async def login_of(self, msisdn: int, *, seconds: float) -> Login | None:
        """Return the account that has the number."""
        row = await self._database.fetchrow(self._queries["login_of"], str(msisdn), timeout=seconds)
        return None if row is None else Login(row["id"], row["password_hash"], row["disabled"])

    async def add_token(self, token: str, login: Login, application_id: int, *, seconds: float) -> bool:
        """Store a token; false when the account was disabled or got another password since it was read."""
        arguments = digest(token), login.account_id, application_id, login.password_hash
        added = await self._database.fetchval(self._queries["add_token"], *arguments, timeout=seconds)
        return added is not None

    async def authenticate(
        self, requests: Sequence[AuthenticateRequest], *, seconds: float
    ) -> Sequence[AuthenticateResponse]:
        """Return whom each pair of secrets names, in the order of the requests."""
        keys = [digest(request.api_key) for request in requests]
        tokens = [digest(request.auth_token) for request in requests]
        rows = await self._database.fetch(self._queries["authenticate"], keys, tokens, timeout=seconds)
        return [
            AuthenticateResponse(
                application_id=row["application_id"],
                application_disabled=row["application_disabled"],
                account_id=row["account_id"],
                account_disabled=row["account_disabled"],
                msisdn=None if row["msisdn"] is None else int(row["msisdn"]),
            )
            for row in rows
        ]
