"""Operations and families of cases: a table without a hole; `pytest -s` shows it, with the number of cases."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from shared.contract.operation import AnyOperation
from shared.contract.scalars import Scalar
from shared.contract.shape import Field, shape_of
from tests.contract.table import APART, CODES_TO_COME, GENERATED, REASONS, RULES, SUCCESS, load_cases
from tests.contract.valid_requests import PUBLIC, VALID, Callers

_CALLERS = Callers(api_key="key", auth_token="token")
_FAMILIES = (SUCCESS, RULES, *GENERATED, *APART)
_CASES = load_cases()
_RULED: Mapping[str, Sequence[str]] = {"message.search": ("query",), "sms.send": ("recipients",)}


def test_every_operation_is_covered_by_every_family() -> None:
    print(_table())
    holes = [cell for cell in _cells() if not _count(*cell) and not _reason(*cell)]
    assert not [(family, operation.name) for family, operation in holes]


def test_no_reason_is_stale() -> None:
    named = {(family, name) for family, _, names in REASONS for name in names}
    empty = {(family, operation.name) for family, operation in _cells() if not _count(family, operation)}
    assert named <= empty


def test_every_code_of_an_operation_has_a_case() -> None:
    missing = {
        operation.name: codes for operation in PUBLIC if (codes := set(operation.faults) - _expected_codes(operation))
    }
    assert missing == {name: set(codes) for name, codes in CODES_TO_COME.items()}


def test_every_rule_of_a_field_has_a_case() -> None:
    missing = [
        (operation.name, wire)
        for operation in PUBLIC
        for wire in _ruled(operation)
        if not _refused_for(operation, wire)
    ]
    assert not missing


def test_every_file_of_cases_is_an_operation_s() -> None:
    assert _CASES.keys() <= VALID.keys() == {operation.name for operation in PUBLIC}


def _cells() -> Iterator[tuple[str, AnyOperation]]:
    return ((family, operation) for family in _FAMILIES for operation in PUBLIC)


def _reason(family: str, operation: AnyOperation) -> str:
    found = (reason for named, reason, names in REASONS if named == family and operation.name in names)
    return next(found, "")


@cache
def _count(family: str, operation: AnyOperation) -> int:
    if family in GENERATED:
        return sum(1 for _ in GENERATED[family](operation, _CALLERS))
    if family in APART:
        return int(operation in APART[family])
    if family == SUCCESS:
        return sum(1 for step in _steps(operation) if (step["expect"] or {}).get("errorCode") == 0)
    return sum(1 for wire in _ruled(operation) if _refused_for(operation, wire))


def _steps(operation: AnyOperation) -> list[Any]:
    steps = [step for case in _CASES.get(operation.name, ()) for step in case["steps"]]
    return [step for step in steps if step["operation"] == operation.name]


def _expected_codes(operation: AnyOperation) -> set[int]:
    return {step["expect"]["errorCode"] for step in _steps(operation) if step["expect"]}


def _ruled(operation: AnyOperation) -> list[str]:
    fields = [each.wire for each in shape_of(operation.request).fields if _has_rule(each)]
    return [*fields, *_RULED.get(operation.name, ())]


def _has_rule(field: Field) -> bool:
    inner = () if isinstance(field.kind, Scalar) else shape_of(field.kind).fields
    return bool(field.rule or field.limit or any(map(_has_rule, inner)))


def _refused_for(operation: AnyOperation, wire: str) -> bool:
    """Whether a case sends the field, not empty, and is refused."""
    refused = [step for step in _steps(operation) if step["expect"] and step["expect"]["errorCode"] in {2, 200}]
    return any(step["request"].get(wire) for step in refused)


def _table() -> str:
    width = max(len(family) for family in _FAMILIES)
    rows = [f"{'':{width}} {' '.join(str(place % 100).rjust(4) for place in range(len(PUBLIC)))}"]
    for family in _FAMILIES:
        cells = [str(_count(family, each) or ("-" if _reason(family, each) else "HOLE")) for each in PUBLIC]
        rows.append(f"{family:{width}} {' '.join(cell.rjust(4) for cell in cells)}")
    names = [f"{place:3} {operation.name}" for place, operation in enumerate(PUBLIC)]
    return "\n".join([*rows, *names])
