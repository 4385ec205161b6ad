"""How what an event tells went, in the three words that OCSF and ECS share."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

from gatetrail.formats.keys import Keys
from gatetrail.formats.kinds import Kind
from gatetrail.words import ExecutionStatus


class Outcome(StrEnum):
    """ECS' words; OCSF's captions are the same with a capital."""

    SUCCESS = "success"
    FAILURE = "failure"
    UNKNOWN = "unknown"


def outcome_of(keys: Keys) -> Outcome:
    """Of a call by its `execution_status`; of other kinds by what they are. Takes no key."""
    match keys.kind:
        case Kind.TOOL_CALL_DECIDED | Kind.TOOL_CALL_COMPLETED | Kind.EXECUTION_ORPHANED:
            return _of_status(keys.look("execution_status"))
        case Kind.SCANNER_DETECTED | Kind.IDENTITY_REFUSED | Kind.POLICY_REJECTED | Kind.HOOK_FAILED:
            return Outcome.FAILURE
        case Kind.AUDIT_GAP | Kind.AUDIT_SINK_FAILED | Kind.RATE_STORE_FAILED:
            return Outcome.FAILURE
        case Kind.SESSION_STARTED | Kind.SESSION_RESUMED | Kind.SESSION_ENDED | Kind.MANIFEST_LISTED:
            return Outcome.SUCCESS
        case Kind.POLICY_CHANGED | Kind.AUDIT_HEARTBEAT | Kind.AUDIT_CHECKPOINT | Kind.AUDIT_SINK_RECOVERED:
            return Outcome.SUCCESS
        case (
            Kind.IDENTITY_RESTRICTED | Kind.IDENTITY_RESTORED | Kind.RATE_STORE_RECOVERED | Kind.HOOK_RAN
        ):  # the run, whatever the hook said
            return Outcome.SUCCESS
        case Kind.LIFECYCLE:
            return _LIFECYCLE.get(keys.event_name, Outcome.UNKNOWN)
        case _:
            assert_never(keys.kind)


_LIFECYCLE = {
    "lifecycle.post_tool_use": Outcome.SUCCESS,
    "lifecycle.post_tool_use_failure": Outcome.FAILURE,
}
"""An agent's other reports say that something happens, not how it went."""


def _of_status(word: str | None) -> Outcome:
    status = ExecutionStatus(word or "missing")
    match status:
        case ExecutionStatus.SUCCESS:
            return Outcome.SUCCESS
        case ExecutionStatus.FAILED | ExecutionStatus.TIMEOUT | ExecutionStatus.DENIED:
            return Outcome.FAILURE
        case ExecutionStatus.PENDING:
            return Outcome.UNKNOWN
        case _:
            assert_never(status)
