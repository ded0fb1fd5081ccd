"""The client: one connection pool to OpenSearch, and every way in which it can be away."""

# ruff: noqa: ASYNC109 - every use must name its time limit, and a call bounds all of its tries by it

import asyncio
import io
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import orjson
from opensearchpy import AIOHttpConnection, AsyncOpenSearch, exceptions
from opensearchpy.serializer import JSONSerializer

from shared.contract.faults import Away
from shared.tls import refusal

# Idle connections end on the other side at times; a request that meets one is sent once more.
_RETRIES = 1
_CONNECTIONS = 20
_PIECE_OCTETS = 262_144


class MissingIndex(Away):
    """An index or alias that should be there is not: the data is lost, or was never made."""

    def __init__(self) -> None:
        super().__init__("an index is missing in OpenSearch; `usermessage search rebuild` makes it anew")


class Client:
    """Calls OpenSearch; use it as a context. `ca` is the path of the certificates it is known by, or empty."""

    def __init__(self, url: str, ca: str = "") -> None:
        # It logs requests that fail, and below that their bodies.
        logging.getLogger("opensearch").setLevel(logging.CRITICAL)
        self._client = AsyncOpenSearch(
            [url],
            connection_class=_Connection,
            serializer=_Json(),
            max_retries=_RETRIES,
            retry_on_status=(),
            timeout=None,
            pool_maxsize=_CONNECTIONS,
            **_security(url, ca),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        timeout: float,
        parameters: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return what OpenSearch answers; raise `Away`."""
        try:
            async with within(timeout):
                answer = await self._client.transport.perform_request(method, path, params=parameters, body=body)
        except exceptions.OpenSearchException as error:
            raise _translated(error) from error
        if not isinstance(answer, dict):
            raise Away("something else than OpenSearch answered")
        return answer


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Raise `Away` when the block takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Away("OpenSearch did not answer in time") from None


def _translated(error: exceptions.OpenSearchException) -> Exception:
    if isinstance(error, exceptions.ConnectionError):
        return Away(f"OpenSearch cannot be reached: {_reason(error.info)}")
    if isinstance(error, exceptions.NotFoundError):
        return MissingIndex()
    if isinstance(error, exceptions.TransportError):
        # Also where it is 400: a closed index, or what stands before OpenSearch, is no event's fault.
        return Away(f"OpenSearch answered {error.status_code}")
    return Away("OpenSearch answered what cannot be read")


def _reason(error: object) -> str:
    return (refusal(error) if isinstance(error, Exception) else None) or type(error).__name__


def _security(url: str, ca: str) -> dict[str, Any]:
    if not url.startswith("https"):
        return {}
    return {"ssl_context": ssl.create_default_context(cafile=ca or None)}


class _Connection(AIOHttpConnection):
    """Sends a long body piece by piece, so that it does not hold the process up."""

    async def perform_request(  # type: ignore[override]
        self, method: str, url: str, params: Any = None, body: Any = None, **options: Any
    ) -> Any:
        if isinstance(body, bytes) and len(body) > _PIECE_OCTETS:
            body = io.BytesIO(body)
        return await super().perform_request(method, url, params, body, **options)


class _Json(JSONSerializer):
    """Writes and reads JSON with orjson, which takes a tenth of the time; octets are given on."""

    def dumps(self, data: Any) -> Any:
        return data if isinstance(data, bytes) else orjson.dumps(data)

    def loads(self, s: str) -> Any:
        try:
            return orjson.loads(s)
        except orjson.JSONDecodeError:
            raise exceptions.OpenSearchException("not JSON") from None
