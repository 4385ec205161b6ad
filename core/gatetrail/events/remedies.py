"""What would have let a denied call pass, in words, from what stands in the record."""

from __future__ import annotations

from gatetrail.events.model import ToolCallDecided
from gatetrail.words import GateName, ReasonCode

REMEDIES: dict[ReasonCode, str] = {
    ReasonCode.ALLOWED: "nothing was in the way",
    ReasonCode.TIER_TOO_LOW: "a caller with tier {required_tier} or higher",
    ReasonCode.SESSION_TIER_TOO_LOW: (
        "the same token in a session that was opened with tier {required_tier} or higher;"
        " a session never rises above what it was opened with"
    ),
    ReasonCode.SCOPE_MISSING: "a token with every scope that is asked for: the call {reason}",
    ReasonCode.AUDIENCE_WRONG: "a token for the right audience: the call {reason}",
    ReasonCode.DEPARTMENT_WRONG: "a caller of the right department: the call {reason}",
    ReasonCode.UNKNOWN_SERVER: "an entry for {server_name} under `servers` in the policy",
    ReasonCode.UNKNOWN_TOOL: (
        "a name that {server_name} has and that the policy lists (or `unlisted: inherit` for that server)"
    ),
    ReasonCode.METHOD_NOT_ALLOWED: "{method} under `servers.{server_name}.methods` in the policy",
    ReasonCode.IDENTITY_REFUSED: "a proof of identity that holds: {reason}",
    ReasonCode.SESSION_OF_ANOTHER_USER: "a session that this caller has opened",
    ReasonCode.PROBE_PATH: (
        "a path that no probe asks for (matched: {rule_id}), or the path under `scanner.exempt_paths` in the policy"
    ),
    ReasonCode.SCANNER_AGENT: (
        "a user agent that names no scanner (matched: {rule_id}),"
        " or one of its words under `scanner.exempt_agents` in the policy"
    ),
    ReasonCode.BURST: "the same call at a slower pace: {reason}",
    ReasonCode.ENUMERATION: (
        "names from this caller's list of {server_name}, asked for after the window of"
        " `scanner.enumeration` in the policy"
    ),
    ReasonCode.PROBE_ARGUMENT: (
        "arguments that no probe sends (matched: {rule_id}), or the tool and the place in its arguments under"
        " `scanner.arguments.exempt` in the policy"
    ),
    ReasonCode.LOCKED_OUT: "the same call after {retry_after_ms} ms; the probes before it say what led here",
    ReasonCode.BLOCKED: "the blocklist entry {rule_id} removed from the policy, or expired",
    ReasonCode.RATE_EXCEEDED: "the same call after {retry_after_ms} ms",
    ReasonCode.RATE_STORE_AWAY: (
        "the same call as soon as the shared store of the rate limits answers again,"
        " or `on_away: local` under `rate_store` in the settings"
    ),
    ReasonCode.HOOK_DENIED: "a hook that agrees: {reason}",
    ReasonCode.HOOK_FAILED: "an answer of the hook {rule_id}, or `on_failure: allow` for it in the policy",
    ReasonCode.AUDIT_UNAVAILABLE: "the same call as soon as the database takes records again",
}
"""By reason code; the names in braces are keys of the event."""

_LAST = frozenset({GateName.RATE_LIMIT, GateName.HOOK, GateName.AUDIT, GateName.NONE})
"""Gates after which nothing is looked at that stands in the policy."""


def what_would_have_passed(decided: ToolCallDecided) -> str:
    """One phrase without a full stop. It speaks of what denied: a later check may still say no."""
    known = {key: "unknown" if value is None else value for key, value in decided.__dict__.items()}
    phrase = REMEDIES[decided.reason_code].format_map(known)
    return phrase if decided.gate in _LAST else f"{phrase} (what comes after was not looked at)"
