"""An exchange: one request as bytes, and what its answer must be."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from shared.contract.operation import AnyOperation
from tests.contract.answers import undocumented
from tests.contract.case_formats import FORMATS, Tree
from tests.contract.valid_requests import VALID

CONTENT_TYPES = {"json": "application/json", "xml": "application/xml"}
# What a client library would add by itself.
_LONG = 65_536  # the library warns of more than that as bytes
_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request and its answer.

    `status` is HTTP's; with 200, `code` is the API's (none: what a valid request of the operation gives). `form` is
    the body's format and, unless it says otherwise, the mount, the content type and the format of the answer.
    """

    operation: AnyOperation
    form: str
    label: str
    body: bytes
    status: int = 200
    code: int | None = None
    mount: str = ""
    path: str = ""
    method: str = "POST"
    content_type: str | None = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: str = ""

    @property
    def target(self) -> str:
        return self.path or f"/{self.mount or self.form}{self.operation.path}"

    @property
    def wanted_code(self) -> int:
        return VALID[self.operation.name].code if self.code is None else self.code

    def all_headers(self) -> dict[str, str]:
        named = CONTENT_TYPES[self.form] if self.content_type == "" else self.content_type
        return {**({} if named is None else {"Content-Type": named}), **self.headers}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def written(operation: AnyOperation, tree: Tree) -> Iterator[tuple[str, bytes]]:
    """Yield a request's bytes in each format, with the format's name."""
    for form, wire in FORMATS.items():
        yield form, wire.write(operation, tree)


async def send(session: aiohttp.ClientSession, base_url: str, exchange: Exchange) -> Answer:
    """Send the request with exactly its headers."""
    async with session.request(
        exchange.method,
        URL(base_url + exchange.target, encoded=True),
        data=io.BytesIO(exchange.body) if len(exchange.body) > _LONG else exchange.body,
        headers=exchange.all_headers(),
        skip_auto_headers=_ADDED,
    ) as response:
        return Answer(response.status, {**response.headers}, await response.read())


def complaint(exchange: Exchange, answer: Answer) -> str:
    """Return what is wrong with an answer, or nothing."""
    if answer.status != exchange.status:
        found = f"HTTP {answer.status} {answer.body[:200]!r}, not {exchange.status}"
    elif answer.status == 200:
        found = _api_complaint(exchange, answer)
    else:
        found = _transport_complaint(exchange, answer)
    return found and f"{exchange.form}: {exchange.label}: {found}"


def _api_complaint(exchange: Exchange, answer: Answer) -> str:
    form = exchange.answer or exchange.mount or exchange.form
    wire = FORMATS[form]
    if answer.headers["Content-Type"] != wire.content_type:
        return f"answered as {answer.headers['Content-Type']}, not as {form}"
    if answer.headers.get("Content-Length") != str(len(answer.body)) or "Content-Encoding" in answer.headers:
        return "not written as it is in one piece"
    tree = wire.read(exchange.operation, answer.body)
    if tree["errorCode"] != exchange.wanted_code:
        return f"code {tree['errorCode']}, not {exchange.wanted_code}"
    return undocumented(exchange.operation, tree)


def _transport_complaint(exchange: Exchange, answer: Answer) -> str:
    if not answer.headers["Content-Type"].startswith("text/plain"):
        return f"a fault as {answer.headers['Content-Type']}"
    if exchange.method == "HEAD":
        return "a body in the answer to HEAD" if answer.body else ""
    lines = answer.body.decode().splitlines()
    return "" if len(lines) == 1 and lines[0].strip() else f"a fault of {len(lines)} lines"
