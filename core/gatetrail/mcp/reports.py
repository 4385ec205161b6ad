"""Events about HTTP requests that are turned away at the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatetrail.call import MAX_ID_BYTES, Origin, clean_optional
from gatetrail.clock import IdMaker
from gatetrail.events.model import IdentityRefused, ScannerDetected
from gatetrail.events.stamp import Stamp
from gatetrail.gates.decision import Deny
from gatetrail.identity.caller import AuthMethod, Refused
from gatetrail.mcp.calls import new_trace, origin_of
from gatetrail.mcp.headers import Seen
from gatetrail.redaction import Redactor
from gatetrail.traces import NOTE_KEY, TraceNote, parsed_trace
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
    return Knock(scope["method"], origin_of(seen, scope), _trace_of(scope, seen, ids), seen.session_id)


def _trace_of(scope: Mapping[str, Any], seen: Seen, ids: IdMaker) -> str:
    note: object = scope.get(NOTE_KEY)
    if isinstance(note, TraceNote):
        return note.trace_id
    traced = parsed_trace(seen.traceparent)
    return traced[0] if traced else new_trace(ids)


def scanner_detected(stamp: Stamp, knock: Knock, denial: Deny, redactor: Redactor) -> ScannerDetected:
    """A probe, a scanner's name or a burst."""
    texts = redactor.texts({**_texts(knock), "method": knock.method, "reason": denial.reason})
    return ScannerDetected.model_validate(
        {
            **stamp(Level.ERROR, f"a scanner was turned away: {texts['reason']}"),
            **texts,
            "trace_id": knock.trace_id,
            "reason_code": denial.reason_code,
            "rule_id": clean_optional(denial.rule_id, MAX_ID_BYTES),
        }
    )


def identity_refused(
    stamp: Stamp,
    knock: Knock,
    refused: Refused,
    auth_method: AuthMethod,
    redactor: Redactor,
    user_id: str | None = None,
) -> IdentityRefused:
    """Something was presented that proves nothing; or, with a `user_id`, not enough for what that user asked."""
    claimed = {"claimed_user_id": refused.claimed_user_id, "reason": refused.reason, "user_id": user_id}
    texts = redactor.texts({**_texts(knock), **claimed})
    return IdentityRefused.model_validate(
        {
            **stamp(Level.WARNING, f"an identity was refused: {texts['reason']}"),
            **texts,
            "trace_id": knock.trace_id,
            "reason_code": refused.reason_code.value,
            "auth_method": auth_method.value,
        }
    )


def _texts(knock: Knock) -> dict[str, str | None]:
    origin = knock.origin
    return {
        "session_id": knock.session_id,
        "endpoint": origin.path or None,
        "src_ip": origin.source_ip,
        "http_user_agent": origin.user_agent,
    }
