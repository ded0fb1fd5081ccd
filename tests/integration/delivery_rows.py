"""A look at what delivery keeps."""

from typing import Any

import asyncpg

_TIMELINE = "select state, reason from delivery_timeline where account_id = $1 and message_id = $2 order by id"
_JOB = "select * from delivery_job where account_id = $1 and message_id = $2"


async def rows(url: str, query: str, *arguments: Any) -> list[dict[str, Any]]:
    """Return what a query gives."""
    connection = await asyncpg.connect(url)
    try:
        return [dict(row) for row in await connection.fetch(query, *arguments)]
    finally:
        await connection.close()


async def timeline(url: str, account_id: int, message_id: int) -> list[tuple[str, str]]:
    """Return what happened to a message, each with its reason."""
    return [(row["state"], row["reason"]) for row in await rows(url, _TIMELINE, account_id, message_id)]


async def job(url: str, account_id: int, message_id: int) -> dict[str, Any] | None:
    """Return the job of a message, if there is one."""
    return next(iter(await rows(url, _JOB, account_id, message_id)), None)
