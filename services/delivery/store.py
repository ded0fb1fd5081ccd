"""What the delivery role keeps: the sends that are not done."""

from collections.abc import Sequence
from pathlib import Path

from shared.mailbox.sends import Send
from shared.postgres.pool import Database
from shared.postgres.queries import load_queries

SQL = Path(__file__).parent / "sql"


class Store:
    """Reads and writes the tables of delivery."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = load_queries(SQL)

    async def keep_waiting(self, sends: Sequence[Send], *, seconds: float) -> None:
        """Keep sends that wait for their time or for a carrier; one that is kept already stays as it is."""
        rows = [(send.account_id, send.message_id, send.due_at or send.date_sent) for send in sends]
        await self._database.fetch(self._queries["keep_waiting"], *zip(*rows, strict=True), timeout=seconds)
