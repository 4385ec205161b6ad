"""What shadows would have said, put beside a decision. Whatever they do, the decision stays as it is."""

from __future__ import annotations

import logging
from dataclasses import replace

from gatetrail.call import Call
from gatetrail.clock import Clock
from gatetrail.dispatcher.ledger import Counts
from gatetrail.gates.decision import Decision
from gatetrail.gates.pipeline import Gates
from gatetrail.identity.caller import Caller

log = logging.getLogger("gatetrail.shadow")


class Beside:
    """Asks the shadows of the gates that have decided."""

    def __init__(self, clock: Clock, counts: Counts) -> None:
        self._clock = clock
        self._counts = counts

    def seen(self, gates: Gates, call: Call, caller: Caller, decision: Decision) -> Decision:
        """The decision of all gates with what a shadow would have said instead. Never raises, and denies nothing.

        A shadow that fails is counted; the first time in a process it is told in the log as well.
        """
        if not gates.has_shadows:
            return decision
        try:
            verdict = gates.beside(call, caller, decision, self._clock.now_us(), self._clock.monotonic_s())
        except Exception as problem:  # noqa: BLE001 -- a call must not end for what is only tried
            self._failed(problem)
            return decision
        return replace(decision, shadow=verdict) if verdict is not None else decision

    def _failed(self, problem: Exception) -> None:
        self._counts.shadow_failures += 1
        if self._counts.shadow_failures == 1:
            log.error("a shadow failed; calls go on without what it would have said: %s", type(problem).__name__)
