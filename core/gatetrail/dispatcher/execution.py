"""What comes out of the dispatcher: values, never a third state between allowed and denied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from gatetrail.call import Call
from gatetrail.events.model import ToolCallDecided
from gatetrail.gates.decision import Decision
from gatetrail.identity.caller import Caller
from gatetrail.policy.model import Policy
from gatetrail.redaction import Redactor

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Denied:
    """A gate said no, its row is durable (or spooled), and the handler did not run."""

    decision: Decision
    execution_id: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """The allow row is committed: the handler may run now, exactly once."""

    call: Call
    caller: Caller
    decision: Decision
    event: ToolCallDecided
    """The committed row, in the journal's words."""
    execution_id: str
    started_s: float
    """On the monotonic clock: when the handler was let go."""
    redactor: Redactor
    """Of the policy that decided, for what is recorded of the call's end."""
    policy: Policy
    """The one that decided."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The handler ran into its limit; its result, if it ever had one, is dropped."""

    execution_id: str
    limit_ms: int


@dataclass(frozen=True, slots=True)
class Finished(Generic[Result]):
    """The handler gave a result, and its outcome is durable."""

    result: Result
    execution_id: str


Dispatched = Denied | TimedOut | Finished[Result]


class NamedFailure(Exception):
    """What a handler raises that knows better than its type what the record is to call the failure."""

    error_class: ClassVar[str]


class TimeLimitPassed(Exception):
    """What a handler raises that has kept a time limit of its own, below the policy's: the call is a `timeout`."""

    limit_ms: int
