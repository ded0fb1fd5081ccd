"""The service as tests run it: the roles as processes on private servers."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from deploy.local.commands import command_line, create_key, migrate
from deploy.local.ports import free_port
from deploy.local.process import Process, wait_until
from deploy.local.roles import ROLES, is_ready, role_command, role_names, sees_workers
from services.accounts.administering import administering
from services.accounts.passwords import Passwords
from services.accounts.tokens import new_secret
from shared.settings import Settings
from tests.servers import Servers

CARRIERS = Path(__file__).parent / "carriers.toml"
PASSWORD = "correct horse battery"


@dataclass(frozen=True, kw_only=True)
class Account:
    """A fresh account and a token of the stack's application; without a number both texts are empty."""

    account_id: int
    msisdn: str
    password: str
    auth_token: str


class Serving(Protocol):
    """A service, whatever runs it: where it is, its application, and accounts that nobody else uses."""

    @property
    def base_url(self) -> str: ...

    @property
    def api_key(self) -> str: ...

    async def accounts(self, count: int) -> list[Account]: ...

    async def numberless_account(self) -> Account: ...


class Role:
    """One running role. Kill or restart it by its `process`; `wait_ready` asks its health port."""

    def __init__(self, name: str, settings: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.base_url = f"http://127.0.0.1:{settings.get('PORT', '')}"
        self.health_port = free_port()
        self.process = Process(role_command(name, settings, self.health_port), log)

    @property
    def pid(self) -> int:
        return self.process.pid

    def start(self) -> None:
        self.process.start()
        self.wait_ready()

    def wait_ready(self, seconds: float = 60.0) -> None:
        self.process.wait_ready(partial(is_ready, self.health_port), seconds)

    def stop(self) -> None:
        self.process.stop()

    def kill(self) -> None:
        self.process.kill()

    def restart(self) -> None:
        self.stop()
        self.start()


class Stack:
    """One process of each role, or `counts` of them: `messages`, `messages-2`, ...; `base_urls` has each gateway.

    Rate limits are off unless `settings` says otherwise. Search is on that OpenSearch, or without one on Postgres.
    """

    def __init__(
        self,
        servers: Servers,
        folder: Path,
        settings: Mapping[str, str] | None = None,
        counts: Mapping[str, int] | None = None,
        opensearch_url: str = "",
    ) -> None:
        self.servers = servers
        self._folder = folder
        self.settings_env: dict[str, str] = {
            **servers.environment,
            **_search_settings(opensearch_url),
            "HOST": "127.0.0.1",
            "LIMITS": "off",
            "LEAVE_SECONDS": "1",
            "CARRIERS_FILE": str(CARRIERS),
            "WEBHOOKS_PORT": str(free_port()),
            **(settings or {}),
        }
        names = [name for role in ROLES for name in role_names(role, (counts or {}).get(role, 1))]
        self.roles = {name: self._role(name) for name in names}
        self.base_url = self.base_urls[0]
        self.api_key = ""
        self.api_key_id = 0
        self._numbers = self._fresh_numbers()
        self._hashed = ""

    def start(self) -> None:
        """Migrate, create an application, start the roles and wait until each is ready."""
        migrate(self.settings_env)
        key = create_key(command_line(self.settings_env), "tests")
        self.api_key, self.api_key_id = str(key["api_key"]), int(key["id"])
        self.resume()

    def resume(self) -> None:
        """Start the roles and wait until each is ready."""
        for role in self.roles.values():
            role.process.start()
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until each role is ready and each gateway sees the workers; show their logs when that does not come."""
        try:
            for role in self.roles.values():
                role.wait_ready()
            for gateway in self.of("gateway"):
                wait_until(partial(sees_workers, gateway.health_port), "a gateway's sight of the workers", 30)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.tails()}") from error

    def stop(self) -> None:
        for role in self.roles.values():
            role.stop()

    @property
    def base_urls(self) -> list[str]:
        """Return the address of each gateway."""
        return [role.base_url for role in self.of("gateway")]

    def of(self, role: str) -> list[Role]:
        """Return all processes of a role."""
        return [one for name, one in self.roles.items() if name.partition("-")[0] == role]

    def scale(self, counts: Mapping[str, int]) -> None:
        """Start or drain processes until there are so many of each role that is named."""
        before = set(self.roles)
        wanted = {name for role, count in counts.items() for name in role_names(role, count)}
        leaving = {one.name for role in counts for one in self.of(role)} - wanted
        for name in sorted(wanted - before):
            self.roles[name] = self._role(name)
            self.roles[name].process.start()
        for name in sorted(wanted - before):
            self.roles[name].wait_ready()
        for name in sorted(leaving):
            self.roles.pop(name).stop()

    def another(self, name: str, settings: Mapping[str, str], folder: Path) -> Role:
        """Return one more process of a role, with settings of its own, not started."""
        return Role(name, {**self.settings_env, **settings}, folder / f"{name}.log")

    def tails(self) -> str:
        """Return the ends of the roles' logs."""
        return "\n".join(f"--- {name}\n{role.process.tail()}" for name, role in self.roles.items())

    async def account(self) -> Account:
        """Create an account that nobody else uses."""
        return (await self.accounts(1))[0]

    async def accounts(self, count: int) -> list[Account]:
        """Create many accounts at once; hashing their one password once makes it cheap."""
        numbers = list(itertools.islice(self._numbers, count))
        return await self._created([(number, await self._password_hash()) for number in numbers])

    async def numberless_account(self) -> Account:
        """Create an account without a number, so without a password."""
        return (await self._created([(None, None)]))[0]

    async def _created(self, people: Sequence[tuple[str | None, str | None]]) -> list[Account]:
        tokens = [new_secret() for _ in people]
        async with administering(Settings.from_environment(self.settings_env)) as administration:
            ids = await administration.create_accounts(people, tokens, self.api_key_id)
        return [
            Account(account_id=account_id, msisdn=number or "", password=PASSWORD if number else "", auth_token=token)
            for account_id, (number, _), token in zip(ids, people, tokens, strict=True)
        ]

    async def _password_hash(self) -> str:
        if not self._hashed:
            with Passwords(1) as passwords:
                self._hashed = await passwords.hashed(PASSWORD)
        return self._hashed

    def _role(self, name: str) -> Role:
        return Role(name, {**self.settings_env, "PORT": str(free_port())}, self._folder / f"{name}.log")

    @staticmethod
    def _fresh_numbers() -> Iterator[str]:
        """Count on from a port: two stacks on the same servers get different numbers."""
        first = 436990000000 + free_port() * 100
        return (str(number) for number in itertools.count(first))


def _search_settings(opensearch_url: str) -> dict[str, str]:
    if not opensearch_url:
        return {"SEARCH_BACKEND": "postgres"}
    return {"SEARCH_BACKEND": "opensearch", "OPENSEARCH_URL": opensearch_url}
