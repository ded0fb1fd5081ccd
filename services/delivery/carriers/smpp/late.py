"""Late: what becomes known of a message when the time for its answer is over."""

import asyncio
from collections.abc import Callable
from typing import Any

from services.delivery.carriers.carrier import Accepted, Late, NotSent, Outcome, Refusal, Refused, Unknown


def or_told(late: Late | None, told: "asyncio.Future[str]") -> Late:
    """Wait for the answer, or for a receipt with the id that it would have given."""

    async def first() -> Outcome:
        if late is None:
            return Accepted((await told,))
        answer = asyncio.ensure_future(late())
        try:
            either: tuple[asyncio.Future[Any], ...] = (answer, told)
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if answer.done() and not isinstance(answer.result(), Unknown):
                return answer.result()
            return Accepted((await told,))
        finally:
            answer.cancel()

    return first


def of_message(late: Late, ids: list[str], total: int, remember: Callable[[list[str]], None]) -> Late:
    """Wait for the answer to the part after those that have ids; what is left of the message goes with its next try."""

    async def of_part() -> Outcome:
        outcome = await late()
        if not isinstance(outcome, Accepted):
            return in_message(outcome, len(ids) + 1, total)
        known = [*ids, *(outcome.carrier_ids or ("",))]
        if len(known) == total:
            remember([])
            return Accepted(tuple(each for each in known if each))
        remember(known)
        return in_message(Refused(Refusal.LATER, "accepted late"), len(known), total)

    return of_part


def in_message(outcome: Refused | Unknown | NotSent, number: int, total: int) -> Refused | Unknown | NotSent:
    """Return the outcome of a message whose part has this one."""
    if total == 1:
        return outcome
    return outcome._replace(reason=f"part {number} of {total}: {outcome.reason}")
