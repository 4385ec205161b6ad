"""Events about HTTP requests that are turned away at the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatetrail.call import MAX_ID_BYTES, MAX_NAME_BYTES, MAX_USER_AGENT_BYTES, Origin, clean_optional
from gatetrail.clock import IdMaker
from gatetrail.events.model import IdentityRefused, ScannerDetected
from gatetrail.events.stamp import Stamp
from gatetrail.gates.decision import Deny
from gatetrail.identity.caller import AuthMethod, Refused
from gatetrail.mcp.calls import new_trace, origin_of, parsed_trace
from gatetrail.mcp.headers import Seen
from gatetrail.words import Level


@dataclass(frozen=True, slots=True)
class Knock:
    """One HTTP request, as far as the door knows it."""

    method: str
    origin: Origin
    trace_id: str
    session_id: str | None


def knock_of(scope: Mapping[str, Any], seen: Seen, ids: IdMaker) -> Knock:
    """The facts of a request that an event about it tells."""
    traced = parsed_trace(seen.traceparent)
    return Knock(scope["method"], origin_of(seen, scope), traced[0] if traced else new_trace(ids), seen.session_id)


def scanner_detected(stamp: Stamp, knock: Knock, denial: Deny) -> ScannerDetected:
    """A probe, a scanner's name or a burst."""
    return ScannerDetected(
        **stamp(Level.ERROR, f"a scanner was turned away: {denial.reason}"),
        **_facts(knock),
        reason_code=denial.reason_code,
        reason=denial.reason[:500],
        rule_id=clean_optional(denial.rule_id, MAX_ID_BYTES),
        method=clean_optional(knock.method, MAX_NAME_BYTES),
    )


def identity_refused(stamp: Stamp, knock: Knock, refused: Refused, auth_method: AuthMethod) -> IdentityRefused:
    """Something was presented that proves nothing."""
    return IdentityRefused(
        **stamp(Level.WARNING, f"an identity was refused: {refused.reason}"),
        **_facts(knock),
        reason_code=refused.reason_code.value,
        reason=refused.reason[:500],
        auth_method=auth_method.value,
        claimed_user_id=clean_optional(refused.claimed_user_id, MAX_ID_BYTES),
    )


def _facts(knock: Knock) -> dict[str, Any]:
    origin = knock.origin
    return {
        "trace_id": knock.trace_id,
        "session_id": clean_optional(knock.session_id, MAX_ID_BYTES),
        "endpoint": clean_optional(origin.path, MAX_ID_BYTES),
        "src_ip": clean_optional(origin.source_ip, MAX_NAME_BYTES),
        "http_user_agent": clean_optional(origin.user_agent, MAX_USER_AGENT_BYTES),
    }
