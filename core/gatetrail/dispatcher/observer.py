"""Who is told what happens, for metrics and traces. Not the record: nothing depends on it."""

from __future__ import annotations

from typing import Protocol

from gatetrail.events.journal import CommitObserver
from gatetrail.gates.decision import Decision
from gatetrail.words import ExecutionStatus


class Observer(CommitObserver, Protocol):
    """Called in the event loop, on the way of each call: it must return at once and never raise.

    `decided` and `completed` are called in the task and the context of the call that they tell of.
    """

    def decided(self, decision: Decision, execution_id: str, took_s: float) -> None:
        """A decision on a call is durable, or a denial is spooled. `took_s`: gates, session and commit together."""
        ...

    def completed(self, status: ExecutionStatus, latency_s: float) -> None:
        """The outcome of an admitted call is durable, or spooled. `latency_s`: what its handler took."""
        ...


class Unobserved:
    """Looks away."""

    def decided(self, decision: Decision, execution_id: str, took_s: float) -> None:
        """Nothing."""

    def completed(self, status: ExecutionStatus, latency_s: float) -> None:
        """Nothing."""

    def committed(self, event_count: int, duration_s: float) -> None:
        """Nothing."""


UNOBSERVED = Unobserved()
"""The default: nobody looks."""


class Observers:
    """Several at once, told in order."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def decided(self, decision: Decision, execution_id: str, took_s: float) -> None:
        for observer in self._observers:
            observer.decided(decision, execution_id, took_s)

    def completed(self, status: ExecutionStatus, latency_s: float) -> None:
        for observer in self._observers:
            observer.completed(status, latency_s)

    def committed(self, event_count: int, duration_s: float) -> None:
        for observer in self._observers:
            observer.committed(event_count, duration_s)
