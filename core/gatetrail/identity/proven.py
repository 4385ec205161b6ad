"""From checked claims to the caller whom they prove: the same for a token and for a proxy's word."""

from __future__ import annotations

from gatetrail.identity.caller import Authenticated, AuthMethod
from gatetrail.identity.claims import Claims
from gatetrail.identity.tiers import CallerType


def proven(
    claims: Claims, method: AuthMethod, caller_type: CallerType, *, expires_at_s: float, accepted_until_s: float
) -> Authenticated:
    """Both moments are seconds since 1970: when the proof ends, and until when it is accepted for all that."""
    return Authenticated(
        user_id=claims.sub,
        tier=claims.tier,
        token_tier=claims.tier,
        caller_type=caller_type,
        auth_method=method,
        scopes=frozenset(claims.scope),
        roles=tuple(claims.roles),
        audiences=frozenset(claims.aud),
        department=claims.department,
        session_id=claims.session_id,
        derived_session_id=claims.derived_session(),
        client_id=claims.client_id,
        context_id=claims.context_id,
        issuer=claims.iss,
        token_id=claims.jti,
        issued_at_s=claims.iat,
        expires_at_s=expires_at_s,
        accepted_until_s=accepted_until_s,
    )
