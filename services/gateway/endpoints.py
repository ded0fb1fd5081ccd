"""Endpoints: every path of the API, derived from the operations and the mounts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.gateway.formats.negotiation import Mount
from shared.contract.operation import AnyOperation
from shared.contract.shape import shape_of

# The prefixes under which every operation answers: negotiating, always JSON, always XML.
_MOUNTS: tuple[Mount, ...] = ("rest", "json", "xml")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path: the operation behind it, and the element names of its request and its answer."""

    operation: AnyOperation
    mount: Mount
    request_element: str
    answer_element: str


def endpoints(operations: Iterable[AnyOperation]) -> Mapping[str, Endpoint]:
    """Return the endpoint of each path; operations without a path are not public."""
    return {
        f"/{mount}{operation.path}": Endpoint(
            operation, mount, shape_of(operation.request).element, shape_of(operation.reply).element
        )
        for operation in operations
        if operation.path is not None
        for mount in _MOUNTS
    }
