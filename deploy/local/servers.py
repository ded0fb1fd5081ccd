"""The servers that the roles need, together."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.local.postgres import Postgres
from deploy.local.rabbitmq import RabbitMQ


class Servers:
    """A private Postgres and a private RabbitMQ below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.postgres = Postgres(self.folder / "postgres")
        self.rabbitmq = RabbitMQ(self.folder / "rabbitmq")

    @property
    def environment(self) -> dict[str, str]:
        """The settings that tell a role where its servers are."""
        return {"AMQP_URL": self.rabbitmq.url, "DATABASE_URL": self.postgres.url}

    def prepare(self) -> None:
        # One after the other: apt takes one caller at a time.
        self.postgres.prepare()
        self.rabbitmq.prepare()

    def start(self) -> None:
        """Start both, and return once both answer."""
        with ThreadPoolExecutor(2) as both:
            started = [both.submit(self.rabbitmq.start), both.submit(self.postgres.start)]
        for one in started:
            one.result()

    def stop(self) -> None:
        self.rabbitmq.stop()
        self.postgres.stop()

    def remove(self) -> None:
        """Delete all data, after `stop`."""
        self.rabbitmq.remove()
        self.postgres.remove()
