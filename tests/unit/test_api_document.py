"""The document for people who write clients, held against the catalogue: operations, types and codes, word for word."""

from pathlib import Path

from shared.contract.accounts import UserContact
from shared.contract.catalogue import OPERATIONS
from shared.contract.conversations import UserMessageConversation
from shared.contract.faults import Fault
from shared.contract.messages import UserMessageMessage
from shared.contract.operation import AnyOperation
from shared.contract.scalars import Scalar
from shared.contract.shape import Field, shape_of
from shared.contract.sms import RemoteSmsSendAck
from shared.contract.sync import UserMessageSync, UserMessageSyncAck

_DOCUMENT = Path(__file__).parents[2] / "shared" / "contract" / "README.md"
_TYPES = (
    UserMessageConversation,
    UserMessageMessage,
    UserMessageSync,
    UserMessageSyncAck,
    RemoteSmsSendAck,
    UserContact,
)


def test_every_operation_is_a_row_of_the_document() -> None:
    assert _rows("/user", "/remote") == [_operation_row(each) for each in OPERATIONS if each.path is not None]


def test_every_type_is_a_row_of_the_document() -> None:
    assert _rows("user", "remote") == [f"| `{shape_of(cls).element}` | {_fields(cls)} |" for cls in _TYPES]


def test_every_code_is_a_row_of_the_document() -> None:
    codes = sorted(fault for fault in Fault if fault is not Fault.KEY_REUSED)
    assert _rows(*"0123456789") == [f"| `{code}` | {code.meaning} | {code.http_status} |" for code in codes]


def _rows(*beginnings: str) -> list[str]:
    cells = tuple(f"| `{beginning}" for beginning in beginnings)
    return [line for line in _DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith(cells)]


def _operation_row(operation: AnyOperation) -> str:
    codes = ", ".join(str(int(fault)) for fault in operation.faults)
    key = "yes" if operation.takes_key else ""
    stem = shape_of(operation.request).element.removesuffix("Request")
    assert shape_of(operation.reply).element == f"{stem}Response"
    fields = f"{_fields(operation.request)} | {_fields(operation.reply)}"
    return f"| `{operation.path}` | `{stem}` | {fields} | {codes} | {key} |"


def _fields(cls: type) -> str:
    return ", ".join(_field(each) for each in shape_of(cls).fields)


def _field(field: Field) -> str:
    if isinstance(field.kind, Scalar):
        kind = "string" if field.kind.name == "address" else field.kind.name
    else:
        kind = shape_of(field.kind).element
    name = f"**`{field.wire}`**" if field.required else f"`{field.wire}`"
    return f"{name} {kind}{' list' if field.many else ''}"
