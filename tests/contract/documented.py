"""Answers against what the OpenAPI document says of them."""

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from services.gateway.openapi import openapi
from shared.contract.operation import AnyOperation
from shared.contract.shape import shape_of


@cache
def _validator(element: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{element}", **openapi("of tests")})


def undocumented(operation: AnyOperation, answer: Any) -> list[str]:
    """Return what the document does not say of an answer in JSON."""
    return [error.message for error in _validator(shape_of(operation.reply).element).iter_errors(answer)]
