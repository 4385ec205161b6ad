"""The typed result of asking who calls: `Authenticated`, `Anonymous` or `Refused`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from gatetrail.identity.tiers import CallerType, Tier


class AuthMethod(StrEnum):
    """How the identity was proven."""

    BEARER = "bearer"
    PROXY = "proxy"
    EMBEDDED = "embedded"
    """Told by the host program itself, in process; nothing was on a wire."""
    NONE = "none"


class IdentityRefusal(StrEnum):
    """Why an identity was refused. The closed list behind `identity.refused` events."""

    TOKEN_MISSING = "token_missing"
    TOKEN_MALFORMED = "token_malformed"
    TOKEN_EXPIRED = "token_expired"
    TOKEN_NOT_YET_VALID = "token_not_yet_valid"
    TOKEN_REVOKED = "token_revoked"
    SIGNATURE_INVALID = "signature_invalid"
    ALGORITHM_NOT_ALLOWED = "algorithm_not_allowed"
    KEY_UNKNOWN = "key_unknown"
    ISSUER_UNKNOWN = "issuer_unknown"
    AUDIENCE_WRONG = "audience_wrong"
    CLAIM_MISSING = "claim_missing"
    CLAIM_INVALID = "claim_invalid"
    SCHEME_UNSUPPORTED = "scheme_unsupported"
    SESSION_OF_ANOTHER_USER = "session_of_another_user"
    SESSION_OF_ANOTHER_DEPARTMENT = "session_of_another_department"
    SESSION_OF_ANOTHER_CLIENT = "session_of_another_client"
    SESSION_ENDED = "session_ended"
    IDENTITY_HEADERS_FORGED = "identity_headers_forged"
    """From somebody who is no trusted proxy. They were stripped, and the request went on without them."""
    PROXY_HEADERS_INVALID = "proxy_headers_invalid"
    """From the network of a trusted proxy, as are the following; here one is missing, doubled or malformed."""
    PROXY_UNKNOWN = "proxy_unknown"
    PROXY_SIGNATURE_INVALID = "proxy_signature_invalid"
    PROXY_TIMESTAMP_OUTSIDE = "proxy_timestamp_outside"
    PROXY_NONCE_USED = "proxy_nonce_used"
    PROXY_NONCES_AWAY = "proxy_nonces_away"
    """Nobody can tell whether the nonce was used before."""
    PROOFS_MIXED = "proofs_mixed"
    """A proxy vouches for a user, and a token came along."""
    ROLE_MISSING = "role_missing"
    """The identity is proven, and may not read what was asked for."""


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A caller whose identity was proven.

    `token_tier` is what the proof says; `tier` is what counts: the lowest of the token's and of every
    session that it came in on. Only the session door lowers `tier`.
    """

    user_id: str
    tier: Tier
    token_tier: Tier
    caller_type: CallerType
    auth_method: AuthMethod
    scopes: frozenset[str] = frozenset()
    roles: tuple[str, ...] = ()
    audiences: frozenset[str] = frozenset()
    department: str | None = None
    session_id: str | None = None
    """The governance session that the proof names itself; None when it names none."""
    derived_session_id: str | None = None
    """What to record as session when neither proof nor transport names one: the same for one token's whole life."""
    client_id: str | None = None
    context_id: str | None = None
    issuer: str | None = None
    token_id: str | None = None
    issued_at_s: float | None = None
    """Seconds since 1970 when the proof was made; None when it does not say."""
    expires_at_s: float | None = None
    """Seconds since 1970 when the proof ends; None when it has no end."""
    accepted_until_s: float | None = None
    """Seconds since 1970 until when the proof is accepted: its end and the policy's leeway."""


@dataclass(frozen=True, slots=True)
class Anonymous:
    """A caller who presented nothing. Never more than the anonymous tier."""

    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A caller who presented something that proves nothing. Is never let through."""

    reason_code: IdentityRefusal
    reason: str
    claimed_user_id: str | None = field(default=None)


Caller = Authenticated | Anonymous | Refused


def tier_of(caller: Caller) -> Tier:
    """The tier that counts for this call."""
    return caller.tier if isinstance(caller, Authenticated) else Tier.ANONYMOUS
