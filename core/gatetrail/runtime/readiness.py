"""What has to be there so that calls can pass, looked at now."""

from __future__ import annotations

import asyncio

from gatetrail.delivery.follower import Phase
from gatetrail.errors import Unavailable
from gatetrail.runtime.gatetrail import Gatetrail
from gatetrail.service.health import Health, Readiness

LIMIT_S = 2.0


def readiness_of(gate: Gatetrail) -> Readiness:
    """Asks the database for the journal's head, and every follower for its state.

    A sink that fails holds nothing back: its events wait in the journal. A follower that has stopped is another
    matter, because nobody tries any more.
    """

    async def look() -> Health:
        states = [follower.state() for follower in gate.followers]
        away = {
            f"sink {state.sink_name}": "its follower has stopped" for state in states if state.phase is Phase.STOPPED
        }
        failing = {
            f"sink {state.sink_name}": f"takes nothing since {state.failing_since}"
            for state in states
            if state.phase is Phase.FAILING
        }
        if (trouble := await _journal_trouble(gate)) is not None:
            away["database"] = trouble
        return Health(ready=not away, away=away, failing=failing)

    return look


async def _journal_trouble(gate: Gatetrail) -> str | None:
    try:
        async with asyncio.timeout(LIMIT_S):
            await gate.journal.head_seq()
    except TimeoutError:
        return f"no answer within {LIMIT_S:g} s"
    except Unavailable:
        return "does not answer"
    return None
