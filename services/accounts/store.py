"""What the accounts role reads and writes for its commands."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.accounts.tokens import digest
from shared.contract.accounts import AuthenticateRequest, AuthenticateResponse, ResolveRequest, ResolveResponse
from shared.contract.faults import Fault
from shared.postgres.pool import Database
from shared.postgres.queries import Queries

SQL = Path(__file__).parent / "sql"


# What `conclude_login` says, and how to answer it.
_CONCLUSIONS: dict[str, Fault | None] = {
    "done": None,
    "wrong": Fault.CREDENTIALS_WRONG,
    "blocked": Fault.LOGIN_BLOCKED,
    "disabled": Fault.ACCESS_DENIED,
}


@dataclass(frozen=True, slots=True)
class Login:
    """What a login of a number is checked against: nobody's has no account, and one without a password no hash."""

    msisdn: str
    account_id: int | None
    password_hash: str | None
    blocked: bool


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that a login is to give, with the key that its client sent, which may have to be the stored one."""

    token: str
    application_id: int
    key: str | None
    check_key: bool


class Store:
    """Reads and writes accounts, tokens and contacts; `seconds` is how long each may take."""

    def __init__(self, database: Database, queries: Queries) -> None:
        self._database = database
        self._queries = queries

    async def login_of(self, msisdn: int, *, seconds: float) -> Login:
        """Return what is known of a number."""
        number = str(msisdn)
        row = await self._database.fetchrow(self._queries["login_of"], number, timeout=seconds)
        if row is None:
            raise RuntimeError("a statement without a condition gives a row")
        return Login(number, row["id"], row["password_hash"], row["blocked"])

    async def count_wrong_password(self, login: Login, *, seconds: float) -> Fault:
        """Count a wrong password and return how to answer it: what a block overtook tells nothing of the password."""
        query = self._queries["count_wrong_password"]
        counted = await self._database.fetchval(query, login.msisdn, timeout=seconds)
        return Fault.CREDENTIALS_WRONG if counted else Fault.LOGIN_BLOCKED

    async def conclude(self, login: Login, new: NewToken, *, seconds: float) -> Fault | None:
        """Store the token of a login with the right password, or return why it gets none."""
        # A key is no password: its salt is the account, against tables that hold for all accounts.
        key = digest(f"{login.account_id}:{new.key}") if new.key else None
        arguments = (
            login.account_id, login.msisdn, login.password_hash, key, new.check_key, digest(new.token),
            new.application_id,
        )  # fmt: skip
        concluded = await self._database.fetchval(self._queries["conclude_login"], *arguments, timeout=seconds)
        return _CONCLUSIONS[concluded]

    async def contacts_of(self, account_id: int, *, seconds: float) -> list[dict[str, object]]:
        """Return an account's contacts as they are on the wire, in their order."""
        rows = await self._database.fetch(self._queries["contacts_of"], account_id, timeout=seconds)
        return [dict(row) for row in rows]

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

    async def resolve(self, request: ResolveRequest, *, seconds: float) -> ResolveResponse:
        """Return the accounts of numbers and the numbers of accounts, in the order of the request."""
        numbers = [str(msisdn) for msisdn in request.msisdns]
        row = await self._database.fetchrow(self._queries["resolve"], numbers, request.account_ids, timeout=seconds)
        if row is None:
            raise RuntimeError("a statement without a condition gives a row")
        return ResolveResponse(tuple(row["account_ids"]), tuple(map(int, row["msisdns"])))
