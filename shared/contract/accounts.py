"""Accounts: login, contacts, and the look-up of credentials that the gateway asks for."""

from dataclasses import dataclass

from shared.contract.faults import Fault
from shared.contract.operation import AnyOperation, Bucket, Credentials, Operation
from shared.contract.rules import characters
from shared.contract.scalars import BOOLEAN, LONG, STRING
from shared.contract.shape import many, optional, required, value

QUEUE = "commands.accounts"
LOGIN_QUEUE = "commands.accounts.login"
KEY_LIMIT = 64
# Ours have 43 characters; a longer secret is none, so it is neither looked up nor remembered.
SECRET_LIMIT = 128


@dataclass(frozen=True, slots=True)
class UserLoginRequest:
    """A login; `key` identifies the client's installation, `check_key` asks that it be the stored one."""

    msisdn: int = required(LONG)
    password: str = required(STRING)
    key: str | None = optional(STRING, characters(KEY_LIMIT))
    check_key: bool = value(BOOLEAN)


@dataclass(frozen=True, slots=True)
class UserLoginResponse:
    auth_token: str = value(STRING)


@dataclass(frozen=True, slots=True)
class UserContact:
    """A contact: a name that is never null, and numbers with plus that are never none."""

    name: str = value(STRING)
    msisdns: tuple[str, ...] = many(STRING)


@dataclass(frozen=True, slots=True)
class UserContactGetContactsRequest:
    pass


@dataclass(frozen=True, slots=True)
class UserContactGetContactsResponse:
    contacts: tuple[UserContact, ...] = many(UserContact)


@dataclass(frozen=True, slots=True)
class AuthenticateRequest:
    """Credentials to look up; a login has no token yet."""

    api_key: str = value(STRING)
    auth_token: str = value(STRING)


@dataclass(frozen=True, slots=True)
class AuthenticateResponse:
    """Whom the credentials name.

    Ids are 0 and `msisdn` is absent where there is none; the flags say that the application or account is disabled.
    """

    application_id: int = value(LONG)
    application_disabled: bool = value(BOOLEAN)
    account_id: int = value(LONG)
    account_disabled: bool = value(BOOLEAN)
    msisdn: int | None = optional(LONG)


@dataclass(frozen=True, slots=True)
class ResolveRequest:
    """Numbers whose accounts, and accounts whose numbers, are asked for."""

    msisdns: tuple[int, ...] = many(LONG)
    account_ids: tuple[int, ...] = many(LONG)


@dataclass(frozen=True, slots=True)
class ResolveResponse:
    """The account of each number and the number of each account, in the order of the request; 0 is none.

    Disabled accounts are accounts.
    """

    account_ids: tuple[int, ...] = many(LONG)
    msisdns: tuple[int, ...] = many(LONG)


LOGIN = Operation(
    name="user.login",
    path="/user/login",
    request=UserLoginRequest,
    reply=UserLoginResponse,
    queue=LOGIN_QUEUE,
    bucket=Bucket.LOGIN,
    writes=True,
    ignores_key=True,
    credentials=Credentials.APPLICATION,
    faults=(Fault.CREDENTIALS_WRONG, Fault.NUMBER_NOT_KNOWN, Fault.LOGIN_BLOCKED),
)
GET_CONTACTS = Operation(
    name="contacts.get",
    path="/user/contact/contacts/get",
    request=UserContactGetContactsRequest,
    reply=UserContactGetContactsResponse,
    queue=QUEUE,
    bucket=Bucket.READ,
    writes=False,
)
AUTHENTICATE = Operation(
    name="account.authenticate",
    path=None,
    request=AuthenticateRequest,
    reply=AuthenticateResponse,
    queue=QUEUE,
    bucket=Bucket.INTERNAL,
    writes=False,
    credentials=Credentials.NONE,
    group=64,
)
RESOLVE = Operation(
    name="account.resolve",
    path=None,
    request=ResolveRequest,
    reply=ResolveResponse,
    queue=QUEUE,
    bucket=Bucket.INTERNAL,
    writes=False,
    credentials=Credentials.NONE,
)

OPERATIONS: tuple[AnyOperation, ...] = (LOGIN, GET_CONTACTS, AUTHENTICATE, RESOLVE)
