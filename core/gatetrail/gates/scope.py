"""Gate 1: does the caller's proof reach what server and tool ask for?

Nobody is exempt: an administrator without a scope that is asked for is denied as well, because the
straight line of tiers must not stand in for grants that are given one by one.
"""

from __future__ import annotations

from typing import assert_never

from gatetrail.call import Call, Kind
from gatetrail.gates.decision import PASS, Deny, GateResult, ReasonCode
from gatetrail.identity.caller import Anonymous, Authenticated, Caller, IdentityRefusal, Refused
from gatetrail.identity.tiers import Tier
from gatetrail.policy.resolve import Resolved

_NOTHING: frozenset[str] = frozenset()


def unknown_server(call: Call, caller: Caller) -> Deny:
    """For a server that the policy does not know."""
    if isinstance(caller, Refused):
        return _refused(caller)
    reason = f"the policy knows no server {call.server_name!r}"
    return Deny(ReasonCode.UNKNOWN_SERVER, reason)


def check_scope(call: Call, caller: Caller, resolved: Resolved) -> GateResult:
    """Identity first, then what exists, then tier, audience, scopes and department."""
    if isinstance(caller, Refused):
        return _refused(caller)
    if call.kind is Kind.LISTING:
        return PASS
    if call.kind is Kind.METHOD and not resolved.listed:
        reason = f"the policy does not allow the method {call.method!r} on {call.server_name!r}"
        return Deny(ReasonCode.METHOD_NOT_ALLOWED, reason)
    if not call.known or resolved.denied:
        return Deny(ReasonCode.UNKNOWN_TOOL, f"{call.server_name!r} has no such {call.kind.value}")
    return _check_tier(caller, resolved) or _missing_grant(caller, resolved) or PASS


def reaches(caller: Caller, resolved: Resolved) -> bool:
    """True when what the caller's proof says, whatever its session, is enough."""
    if isinstance(caller, Refused) or resolved.denied:
        return False
    tier = caller.token_tier if isinstance(caller, Authenticated) else Tier.ANONYMOUS
    return tier.satisfies(resolved.tier) and _missing_grant(caller, resolved) is None


def _refused(caller: Refused) -> Deny:
    if caller.reason_code is IdentityRefusal.SESSION_OF_ANOTHER_USER:
        return Deny(ReasonCode.SESSION_OF_ANOTHER_USER, caller.reason)
    return Deny(ReasonCode.IDENTITY_REFUSED, caller.reason)


def _check_tier(caller: Authenticated | Anonymous, resolved: Resolved) -> Deny | None:
    required = resolved.tier
    match caller:
        case Authenticated(tier=tier, token_tier=token_tier):
            if tier.satisfies(required):
                return None
            reason = f"requires tier {required.value}, caller has {tier.value}"
            if token_tier.satisfies(required):
                reason += f" in this session, although the token says {token_tier.value}"
                return Deny(ReasonCode.SESSION_TIER_TOO_LOW, reason)
            return Deny(ReasonCode.TIER_TOO_LOW, reason)
        case Anonymous():
            if required is Tier.ANONYMOUS:
                return None
            reason = f"requires tier {required.value}, caller has {Tier.ANONYMOUS.value}"
            return Deny(ReasonCode.TIER_TOO_LOW, reason)
        case _:
            assert_never(caller)


def _missing_grant(caller: Authenticated | Anonymous, resolved: Resolved) -> Deny | None:
    if resolved.is_open:
        return None
    proven = caller if isinstance(caller, Authenticated) else None
    if lacking := resolved.audiences - (proven.audiences if proven else _NOTHING):
        reason = f"requires a token for the audience {_listed(lacking)}"
        return Deny(ReasonCode.AUDIENCE_WRONG, reason)
    if lacking := resolved.scopes - (proven.scopes if proven else _NOTHING):
        reason = f"requires scope {_listed(resolved.scopes)}, caller lacks {_listed(lacking)}"
        return Deny(ReasonCode.SCOPE_MISSING, reason)
    department = proven.department if proven else None
    if resolved.departments and department not in resolved.departments:
        reason = f"requires department {' or '.join(sorted(resolved.departments))}, caller has {department or 'none'}"
        return Deny(ReasonCode.DEPARTMENT_WRONG, reason)
    return None


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
