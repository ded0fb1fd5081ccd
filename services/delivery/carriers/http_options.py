"""What the table of an HTTP carrier may say."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator
from yarl import URL

from services.delivery.carriers.expressions import Found
from services.delivery.carriers.hook_options import InboundHook, ReceiptHook
from services.delivery.carriers.options import Options, Table, Tls, Verdict
from services.delivery.carriers.secret_sources import Secret
from services.delivery.carriers.templates import Template, Text, Tree, templates_in

_HEADER_PLACES = frozenset({"reference", "recipient", "coding", "alphabet", "parts", "validity_seconds"})
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_STATUSES = range(100, 600)


def _http_url(text: str) -> str:
    try:
        url = URL(text)
    except ValueError:
        raise ValueError("no URL") from None
    if url.scheme not in {"http", "https"} or not url.host or url.user or url.fragment:
        raise ValueError("no URL that begins with http:// or https://, without a user and a fragment")
    return text


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    return text


class Answer(Table):
    """How an answer is read; expressions see `status`, `headers`, `text`, `json` and the groups of `pattern`.

    `codes` and `statuses` say what a refusal means that the rules of HTTP would take for something else.
    """

    pattern: Annotated[str, AfterValidator(_pattern)] | None = None
    success: Found | None = None
    ids: Found | None = None
    # The carrier takes our own reference as the id of the message.
    reference_is_id: bool = False
    code: Found | None = None
    codes: dict[str, Verdict] = Field(default_factory=dict)
    statuses: dict[int, Verdict] = Field(default_factory=dict)

    @field_validator("statuses", mode="before")
    @classmethod
    def _numbers(cls, given: Any) -> Any:
        # A key of TOML is a text.
        if not isinstance(given, dict) or not all(str(key).isdigit() and int(key) in _STATUSES for key in given):
            raise ValueError("no table of HTTP statuses")
        return {int(key): value for key, value in given.items()}

    @model_validator(mode="after")
    def _one_id(self) -> Self:
        if self.reference_is_id and self.ids:
            raise ValueError("either ids or reference_is_id")
        if self.codes and not self.code:
            raise ValueError("codes without an expression for the code")
        return self


class HttpOptions(Options):
    """One request for each message, and webhooks for what comes back."""

    url: Annotated[str, AfterValidator(_http_url)]
    method: Literal["GET", "POST", "PUT"] = "POST"
    timeout_seconds: float = Field(default=10.0, gt=0, le=120)
    headers: dict[str, Text] = Field(default_factory=dict)
    query: dict[str, Text] = Field(default_factory=dict)
    form: dict[str, Text] | None = None
    body: Tree = None
    secrets: dict[str, Secret] = Field(default_factory=dict)
    answer: Answer = Answer()
    tls: Tls = Tls()
    receipt: ReceiptHook | None = None
    inbound: InboundHook | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.form is not None and self.body is not None:
            raise ValueError("either form or body")
        if self.method == "GET" and (self.form is not None or self.body is not None):
            raise ValueError("a GET has no body")
        missing = sorted({name for each in self.templates for name in each.secrets} - self.secrets.keys())
        if missing:
            raise ValueError(f"no secret {', '.join(missing)}")
        for header, each in self.headers.items():
            if not _HEADER_NAME.match(header):
                raise ValueError("a header has a name that HTTP does not allow")
            strange = sorted(name for name in each.names - _HEADER_PLACES if not name.startswith("secret."))
            if strange:
                raise ValueError(f"{', '.join(strange)} cannot be in a header")
        return self

    @property
    def templates(self) -> list[Template]:
        """Return all templates of the request."""
        return templates_in([self.headers, self.query, self.form, self.body])

    def secret_values(self) -> dict[str, str]:
        return {name: secret.get_secret_value() for name, secret in self.secrets.items()}
