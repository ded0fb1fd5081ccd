"""The HTTP carrier: one request for each message, made of templates, and what the answer says of it."""

import asyncio
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import aiohttp
import orjson
from aiohttp.connector import Connection
from yarl import URL

from services.delivery.carriers.carrier import EXPIRED, NotSent, Outcome, Refusal, Refused, Submission, Unknown
from services.delivery.carriers.http_answers import outcome
from services.delivery.carriers.http_options import HttpOptions
from services.delivery.carriers.place import Place
from services.delivery.carriers.templates import filled, secret_values_of, values_of
from services.delivery.segments import Unsendable, segments
from shared.contract import dates
from shared.contract.faults import Away

_CONNECT_SECONDS = 5.0
# Shorter than servers keep an idle connection, or a message is written into one that is being closed.
_IDLE_SECONDS = 2.0
_ANSWER_OCTETS = 262_144
_JSON = "application/json"


class Http:
    """Sends by HTTP; once a request is on its way, only an answer says what became of it."""

    def __init__(self, name: str, options: HttpOptions, place: Place) -> None:
        self.name = name
        self.rate = options.rate
        self.window = options.window
        self.open = True
        self._options = options
        self._url = URL(options.url)
        self._secrets = secret_values_of(options.secret_values())
        self._place = place
        self._session: aiohttp.ClientSession | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._running = 0

    async def submit(self, submission: Submission) -> Outcome:
        """Send one request, never a second one."""
        if submission.expires_at <= dates.now():
            return EXPIRED
        self._running += 1
        self._idle.clear()
        try:
            return await self._sent(submission)
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def close(self) -> None:
        """Wait for the answers to what is on its way, then close."""
        await self._idle.wait()
        if self._session is not None:
            await self._session.close()

    async def _sent(self, submission: Submission) -> Outcome:
        try:
            reference = await self._place.references.of(submission.job_id)
            request = self._request(submission, reference)
        except Away:
            return NotSent("nobody knows what to call it")
        except Unsendable as error:
            return Refused(Refusal.PERMANENT, str(error))
        except ValueError:
            return Refused(Refusal.PERMANENT, "a value that the request cannot hold")
        ends_at = min(submission.deadline, asyncio.get_running_loop().time() + self._options.timeout_seconds)
        return self._with_id(await self._exchange(request, reference, ends_at), reference)

    async def _exchange(self, request: dict[str, Any], reference: str, ends_at: float) -> Outcome:
        # All that are kept may be stale, and each is closed by then; a fresh one is so when the peer speaks first.
        for _ in range(self.window + 1):
            with suppress(_StaleError):
                return await self._tried(request, reference, ends_at)
        return NotSent("the carrier speaks before it is asked")

    async def _tried(self, request: dict[str, Any], reference: str, ends_at: float) -> Outcome:
        """Send a request once; raise `_StaleError` where nothing was written, by this connection."""
        progress = _Progress()
        _PROGRESS.set(progress)
        try:
            async with (
                asyncio.timeout_at(ends_at),
                self._opened().request(**request, allow_redirects=False) as response,
            ):
                content = await _content(response)
                return outcome(self._options.answer, response.status, response.headers, content, reference)
        except _StaleError:
            raise
        except (aiohttp.ClientError, OSError) as error:
            # What an error says may hold the URL, and so a number.
            return (Unknown if progress.written else NotSent)(type(error).__name__)

    def _with_id(self, outcome: Outcome, reference: str) -> Outcome:
        """Return an outcome; where a receipt may come for one that is unknown, with the id that it will have."""
        if isinstance(outcome, Unknown) and self._options.answer.reference_is_id:
            return outcome._replace(carrier_ids=(reference,))
        return outcome

    def _request(self, submission: Submission, reference: str) -> dict[str, Any]:
        options = self._options
        cut = segments(submission.text, submission.encoding)
        values = self._secrets | values_of(submission, cut, reference, dates.now(), self._place.receipt_url)
        headers = filled(options.headers, values)
        body: Any = None
        if options.form is not None:
            body = aiohttp.FormData(filled(options.form, values))
        elif options.body is not None:
            body = orjson.dumps(filled(options.body, values))
            headers = {"Content-Type": _JSON, **headers}
        url = self._url.update_query(filled(options.query, values)) if options.query else self._url
        return {"method": options.method, "url": url, "headers": headers, "data": body}

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            tls = self._options.tls.context() if self._options.url.startswith("https:") else True
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self.window, keepalive_timeout=_IDLE_SECONDS, ssl=tls),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
                request_class=_Once,
            )
        return self._session


class _Progress:
    """Whether a request began to be written."""

    written = False


_PROGRESS: ContextVar[_Progress] = ContextVar("progress")


class _StaleError(aiohttp.ClientConnectionError):
    """A connection that was kept is closed, or something lies on it that nobody asked for."""


class _Once(aiohttp.ClientRequest):
    """A request that notes when it begins to be written, and is not written again.

    The client repeats a request that it thinks harmless to repeat, such as a GET, when its connection breaks. Its own
    traces would say the same; they take a tenth of the time of a request.
    """

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        progress = _PROGRESS.get()
        if progress.written:
            raise aiohttp.ClientError("written before")
        # What came on it unasked would be taken for the answer.
        if conn.protocol is None or conn.protocol.should_close:
            raise _StaleError
        progress.written = True
        return await super().send(conn)


async def _content(response: aiohttp.ClientResponse) -> bytes:
    """Read an answer, or the beginning of one that is longer than any answer about a message."""
    content = b""
    async for piece in response.content.iter_any():
        content += piece
        if len(content) > _ANSWER_OCTETS:
            break
    return content[:_ANSWER_OCTETS]
