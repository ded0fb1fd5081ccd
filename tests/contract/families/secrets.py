"""Families of the secrets: 600, 100 and 97, and their order."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from shared.contract.operation import AnyOperation, Credentials
from tests.contract.case_formats import Tree
from tests.contract.exchange import Exchange
from tests.contract.families.drafting import as_json, both
from tests.contract.valid_requests import VALID, Callers, valid

_NO_SECRET: tuple[tuple[str, Any], ...] = (
    ("unknown", "unknown"),
    ("left out", None),
    ("empty", ""),
    ("blank", " "),
    ("of another alphabet", "\u043a\u043b\u044e\u0447"),
    ("as long as none is", "k" * 129),
    ("longer than any column", "k" * 100_000),
)


def application(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """600: no key, or none that there is; before everything else."""
    tree = valid(operation, callers)
    for label, key in _NO_SECRET:
        yield from both(operation, f"apiKey {label}", {**tree, "apiKey": key}, code=600)
    yield from both(operation, "nothing at all", {}, code=600)
    yield from both(operation, "no secret is right", {**tree, "apiKey": "unknown", "authToken": "unknown"}, code=600)
    yield from both(
        operation, "a disabled account", {**tree, **_disabled_account(callers), "apiKey": "unknown"}, code=600
    )
    yield from _in_headers(operation, "apiKey", tree, callers.api_key, 600)
    yield as_json(operation, "apiKey with a null character", {**tree, "apiKey": f"{callers.api_key}\0"}, code=600)
    yield from both(operation, "apiKey with a blank", {**tree, "apiKey": f" {callers.api_key}"}, code=600)


def token(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """100: no token, or none that there is for this application; before the fields are looked at."""
    if operation.credentials is not Credentials.ACCOUNT:
        return
    tree = valid(operation, callers)
    for label, auth_token in _NO_SECRET:
        yield from both(operation, f"authToken {label}", {**tree, "authToken": auth_token}, code=100)
    yield from both(operation, "apiKey alone", {"apiKey": callers.api_key}, code=100)
    yield from both(operation, "a key for a token", {**tree, "authToken": callers.api_key}, code=100)
    yield from both(
        operation, "another application's token", {**tree, "authToken": callers.token_of_other_application}, code=100
    )
    yield from both(operation, "one's token elsewhere", {**tree, "apiKey": callers.other_api_key}, code=100)
    disabled = {**tree, "apiKey": callers.disabled_api_key}
    yield from both(operation, "a disabled application without a token of its own", disabled, code=100)
    yield as_json(
        operation, "authToken with a null character", {**tree, "authToken": f"{callers.auth_token}\0"}, code=100
    )
    yield from both(operation, "authToken with a blank", {**tree, "authToken": f"{callers.auth_token} "}, code=100)


def disabled_application(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """97: the application is disabled; before the fields are looked at."""
    secrets = {"apiKey": callers.disabled_api_key, "authToken": callers.token_of_disabled_application}
    yield from both(operation, "a valid request", {**valid(operation, callers), **secrets}, code=97)
    yield from both(operation, "no field", secrets, code=97)


def disabled_account(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """97: the account is disabled; before the fields are looked at, but for a login only with its password."""
    tree = {**valid(operation, callers), **_disabled_account(callers)}
    if operation.credentials is Credentials.ACCOUNT:
        yield from both(operation, "a valid request", tree, code=97)
        yield from both(operation, "no field", {key: tree[key] for key in operation.credentials.value}, code=97)
    else:
        login = {**tree, "msisdn": callers.msisdn_of_disabled_account}
        yield from both(operation, "the right password", {**login, "password": callers.password}, code=97)


def other_application(operation: AnyOperation, callers: Callers) -> Iterator[Exchange]:
    """Use a token with the application that got it, which is not the one of the other tests."""
    secrets = {"apiKey": callers.other_api_key, "authToken": callers.token_of_other_application}
    tree = {**valid(operation, callers), **secrets}
    yield from both(operation, "its own token", tree, code=VALID[operation.name].code)


def _disabled_account(callers: Callers) -> Tree:
    return {"authToken": callers.token_of_disabled_account}


def _in_headers(operation: AnyOperation, key: str, tree: Tree, secret: str, code: int) -> Iterator[Exchange]:
    # Both secrets travel in the body alone.
    headers = {"Authorization": f"Bearer {secret}", "Cookie": f"{key}={secret}", key: secret}
    for exchange in both(operation, f"{key} in headers", {**tree, key: None}, code=code):
        yield replace(exchange, headers=headers)
