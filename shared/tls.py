"""TLS: addresses with what the server behind them is known by, and why one was refused, in words."""

import ssl
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit


def amqp_address(url: str, *, ca: str, certificate: str, key: str) -> str:
    """Return RabbitMQ's address with the files by which it is known, and by which we are."""
    options = {"cafile": ca, "certfile": certificate, "keyfile": key}
    given = {name: path for name, path in options.items() if path}
    if given and urlsplit(url).scheme != "amqps":
        raise ValueError("AMQP_URL: with AMQP_CA, AMQP_CERTIFICATE or AMQP_KEY it has to begin with amqps://")
    return _with_options(url, given)


def postgres_address(url: str, *, ca: str) -> str:
    """Return Postgres' address with the file by which it is known; nothing then goes there without TLS."""
    return _with_options(url, {"sslmode": "verify-full", "sslrootcert": ca} if ca else {})


def redis_address(url: str, *, ca: str) -> str:
    """Return the address of Redis or Valkey with the file by which it is known."""
    if ca and urlsplit(url).scheme not in {"rediss", "valkeys"}:
        raise ValueError("LIMITS_URL: with LIMITS_CA it has to begin with rediss:// or valkeys://")
    return _with_options(url, {"ssl_ca_certs": ca} if ca else {})


def refusal(error: BaseException) -> str | None:
    """Return why TLS did not come about, where an error says so or came from one that does."""
    for each in _causes(error):
        # aiohttp has errors of this kind that say nothing themselves.
        if isinstance(each, ssl.SSLError) and (message := getattr(each, "verify_message", "")):
            return f"its certificate is refused: {message}"
        if isinstance(each, ssl.SSLError) and (reason := getattr(each, "reason", "")):
            return f"TLS failed: {reason}"
    return None


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    """Return what a server of ours is known by; raise `ValueError`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key or None)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"this certificate and key cannot be used: {error}") from None
    return context


def _with_options(url: str, options: dict[str, str]) -> str:
    parts = urlsplit(url)
    known = dict(parse_qsl(parts.query, keep_blank_values=True))
    return parts._replace(query=urlencode({**known, **options})).geturl() if options else url


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    # Errors that are raised again, as clients do for all who wait, may have come from each other in a circle.
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
