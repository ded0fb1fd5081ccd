"""The API as an OpenAPI document."""

import json

import pytest
from openapi_spec_validator import validate

from services.cli.__main__ import main
from services.gateway.openapi import openapi
from shared.contract.catalogue import OPERATIONS
from shared.version import VERSION

DOCUMENT = openapi("1.2.3")
SCHEMAS = DOCUMENT["components"]["schemas"]


def test_it_is_a_document_of_openapi() -> None:
    validate(DOCUMENT)


def test_it_has_every_public_operation_under_each_mount() -> None:
    assert DOCUMENT["paths"].keys() == {operation.path for operation in OPERATIONS if operation.path}
    assert [server["url"] for server in DOCUMENT["servers"]] == ["/rest", "/json", "/xml"]


@pytest.mark.parametrize(
    ("shape", "required"),
    [
        ("userLoginRequest", ["apiKey", "msisdn", "password"]),
        ("userMessageSendRequest", ["apiKey", "authToken", "recipient", "message"]),
        ("userMessageGetConversationsRequest", ["apiKey", "authToken"]),
        ("userMessageSendResponse", ["errorCode"]),
    ],
)
def test_it_says_what_is_required(shape: str, required: list[str]) -> None:
    assert SCHEMAS[shape]["required"] == required


def test_it_says_which_codes_an_operation_answers() -> None:
    assert SCHEMAS["userLoginResponse"]["properties"]["errorCode"]["enum"] == [0, 2, 97, 98, 99, 101, 107, 109, 600]


def test_it_says_who_takes_a_key() -> None:
    taking = {path for path, item in DOCUMENT["paths"].items() if item["post"]["parameters"]}
    assert taking == {operation.path for operation in OPERATIONS if operation.path and operation.takes_key}
    assert all(("422" in item["post"]["responses"]) == (path in taking) for path, item in DOCUMENT["paths"].items())


def test_names_are_those_of_the_wire() -> None:
    sync = SCHEMAS["userMessageSyncRequest"]
    assert "`syncLimit`" in sync["description"]
    assert sync["properties"]["syncs"] == {
        "type": "array",
        "items": {"$ref": "#/components/schemas/userMessageSync"},
        "maxItems": 1000,
    }
    assert SCHEMAS["userMessageMessage"]["properties"]["dateStatus"]["type"] == ["integer", "null"]


def test_the_command_line_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["openapi"])
    assert json.loads(capsys.readouterr().out) == openapi(VERSION)
