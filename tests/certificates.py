"""A private authority, and certificates that it signed: a good one, one for another name, one that has expired."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key in one file of PEM."""

    file: Path

    @property
    def context(self) -> ssl.SSLContext:
        """What a server needs to be known by it."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.file)
        return context


class Authority:
    """An authority that nobody knows but who has its file."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._authority = trustme.CA(organization_name=name)
        self._folder = folder
        self.file = folder / f"{name}.pem"
        self._authority.cert_pem.write_to_path(self.file)

    def good(self, name: str = "127.0.0.1") -> Pair:
        return self._issued(f"for-{name}", name, datetime.now(UTC) + timedelta(days=1))

    def for_another_name(self) -> Pair:
        return self.good("elsewhere.example")

    def expired(self) -> Pair:
        return self._issued("expired", "127.0.0.1", datetime.now(UTC) - timedelta(hours=1))

    def _issued(self, label: str, name: str, until: datetime) -> Pair:
        issued = self._authority.issue_cert(name, not_before=until - timedelta(days=9), not_after=until)
        file = self._folder / f"{self.file.stem}-{label}.pem"
        issued.private_key_and_cert_chain_pem.write_to_path(file)
        return Pair(file)

    def trust_for_clients(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """Let a server take only clients with a certificate of this authority."""
        context.verify_mode = ssl.CERT_REQUIRED
        self._authority.configure_trust(context)
        return context
