"""Bearer tokens: from an `Authorization` header to a proven caller, or to the reason why not."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import jwt
from pydantic import ValidationError

from gatetrail.clock import Clock, IdMaker
from gatetrail.errors import SettingsInvalid, WrongUse
from gatetrail.identity.caller import Authenticated, AuthMethod, IdentityRefusal, Refused
from gatetrail.identity.claims import Claims
from gatetrail.identity.rules import TokenRules, wrong_with
from gatetrail.identity.tiers import CallerType, Tier

MIN_SECRET_BYTES = 32
"""RFC 7518, section 3.2: a key for HS256 has at least the size of its hash."""

MAX_TOKEN_CHARACTERS = 16_384
SUPPORTED_ALGORITHMS = frozenset({"HS256"})

_SIGNATURE_ONLY: Final[Any] = {
    "verify_signature": True,
    **{f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")},
    "require": [],
}
"""Times are ours to check, with our clock; the other claims too, for reasons that name what would be right."""


def check_secret(secret: bytes) -> None:
    """Raises SettingsInvalid for a signing secret that can be guessed."""
    if len(secret) < MIN_SECRET_BYTES:
        raise SettingsInvalid(
            f"the JWT secret (GATETRAIL_JWT_SECRET) has {len(secret)} bytes; "
            f"HS256 needs at least {MIN_SECRET_BYTES} random ones"
        )


def bearer_token(authorization_header: str | None) -> str | Refused | None:
    """The token of an `Authorization` header (RFC 6750, section 2.1); None when nothing was presented."""
    if authorization_header is None or not authorization_header.strip():
        return None
    scheme, _, token = authorization_header.strip().partition(" ")
    if scheme.lower() != "bearer":
        return Refused(
            IdentityRefusal.SCHEME_UNSUPPORTED,
            "the Authorization header names another scheme; expected: Bearer TOKEN",
        )
    token = token.strip()
    if "," in token or len(token.split(maxsplit=1)) != 1:
        return Refused(
            IdentityRefusal.TOKEN_MALFORMED,
            "the Authorization header holds not exactly one token; expected: Bearer TOKEN",
        )
    return token


@dataclass(frozen=True, slots=True)
class _Verified:
    caller: Authenticated
    from_s: float
    until_s: float


class TokenVerifier:
    """Verifies tokens under one set of rules. Not safe to call from several threads at once.

    A verified token is remembered by its SHA-256 until it expires, and its times are looked at again
    on every use. Refusals are not remembered.
    """

    def __init__(self, identity: TokenRules, secret: bytes, clock: Clock, cache_size: int = 10_000) -> None:
        """Raises SettingsInvalid when the secret has less than 32 bytes."""
        check_secret(secret)
        self._rules = identity
        self._secret = secret
        self._clock = clock
        self._cache_size = cache_size
        self._cache: OrderedDict[bytes, _Verified] = OrderedDict()
        self._algorithms = [name for name in identity.algorithms if name in SUPPORTED_ALGORITHMS]

    def verify(self, token: str) -> Authenticated | Refused:
        """Who the token proves, or why it proves nobody. Never raises, never repeats the token."""
        if len(token) > MAX_TOKEN_CHARACTERS:
            limit = f"expected at most {MAX_TOKEN_CHARACTERS:,}"
            return _malformed(f"the token has {len(token):,} characters; {limit}")
        now_s = self._clock.now_us() / 1_000_000
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        known = self._cache.get(digest)
        if known is None:
            return self._verify_unknown(token, digest, now_s)
        if known.from_s <= now_s < known.until_s:
            self._cache.move_to_end(digest)
            return known.caller
        del self._cache[digest]
        return self._verify_unknown(token, digest, now_s)

    def _verify_unknown(self, token: str, digest: bytes, now_s: float) -> Authenticated | Refused:
        claims = self._signed_claims(token)
        if isinstance(claims, Refused):
            return claims
        if reason := wrong_with(claims, self._rules, now_s):
            return Refused(*reason, claims.sub)
        leeway_s = self._rules.leeway_s
        until_s = claims.exp + leeway_s
        caller = _caller_of(claims, until_s)
        self._remember(digest, _Verified(caller, max(claims.iat, claims.nbf or 0) - leeway_s, until_s))
        return caller

    def _remember(self, digest: bytes, verified: _Verified) -> None:
        self._cache[digest] = verified
        if len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)

    def _signed_claims(self, token: str) -> Claims | Refused:
        if refusal := self._refusal_of_header(token):
            return refusal
        try:
            payload = jwt.decode(token, self._secret, algorithms=self._algorithms, options=_SIGNATURE_ONLY)
        except jwt.InvalidSignatureError:
            message = "the token's signature does not fit; expected one made with our secret"
            return Refused(IdentityRefusal.SIGNATURE_INVALID, message, _claimed_user(token))
        except (jwt.PyJWTError, ValueError, RecursionError):
            return _malformed("the token cannot be decoded; expected three parts of a signed JWT")
        try:
            return Claims.model_validate(payload)
        except ValidationError as error:
            return _refused_claims(error, _text_or_none(payload.get("sub")))

    def _refusal_of_header(self, token: str) -> Refused | None:
        """The algorithm is looked at before any signature is computed (RFC 8725, section 3.1)."""
        try:
            algorithm = jwt.get_unverified_header(token).get("alg")
        except (jwt.PyJWTError, ValueError, RecursionError):
            return _malformed("the token is not a JWT; expected three parts joined by dots")
        if algorithm in self._algorithms:
            return None
        allowed = ", ".join(self._algorithms)
        message = f"the token is signed with an algorithm that is not allowed; expected {allowed}"
        return Refused(IdentityRefusal.ALGORITHM_NOT_ALLOWED, message, _claimed_user(token))


def mint(  # noqa: PLR0913 -- one keyword for each claim
    identity: TokenRules,
    secret: bytes,
    clock: Clock,
    ids: IdMaker,
    *,
    user: str,
    tier: Tier,
    roles: Iterable[str] = (),
    department: str | None = None,
    scopes: Iterable[str] = (),
    ttl_s: int = 3600,
    session_id: str | None = None,
    client_id: str | None = None,
    context_id: str | None = None,
    caller_type: CallerType | None = None,
    audiences: Iterable[str] = (),
) -> str:
    """A signed token that `TokenVerifier` takes; `audiences` come on top of the policy's own.

    Raises SettingsInvalid for a weak secret, WrongUse for values that no token may carry.
    """
    check_secret(secret)
    if not 0 < ttl_s <= identity.max_lifetime_s:
        raise WrongUse(
            f"a token cannot live for {ttl_s} s; expected 1 to {identity.max_lifetime_s} s "
            "(identity.max_lifetime_s of the policy)"
        )
    now_s = clock.now_us() // 1_000_000
    claims = {
        "iss": identity.issuer,
        "sub": user,
        "aud": list(dict.fromkeys((identity.audience, *audiences))),
        "iat": now_s,
        "nbf": now_s,
        "exp": now_s + ttl_s,
        "jti": ids.new_id(),
        "tier": tier.value,
        "scope": " ".join(scopes),
        "roles": list(roles),
        "department": department,
        "session_id": session_id,
        "client_id": client_id,
        "context_id": context_id,
        "caller_type": caller_type.value if caller_type else None,
    }
    present = {name: value for name, value in claims.items() if value is not None}
    try:
        Claims.model_validate(present)
    except ValidationError as error:
        raise WrongUse(_refused_claims(error, None).reason) from None
    return jwt.encode(present, secret, algorithm="HS256")


def _refused_claims(error: ValidationError, claimed_user_id: str | None) -> Refused:
    """Names the first claim that is wrong, and never its value."""
    detail = error.errors(include_input=False, include_url=False)[0]
    name = ".".join(str(part) for part in detail["loc"][:1])
    if detail["type"] == "missing":
        message = f"the token lacks the claim {name!r}"
        return Refused(IdentityRefusal.CLAIM_MISSING, message, claimed_user_id)
    wanted = f"one of {', '.join(Tier)}" if name == "tier" else detail["msg"]
    message = f"the token's claim {name!r} is wrong; expected: {wanted}"
    return Refused(IdentityRefusal.CLAIM_INVALID, message, claimed_user_id)


def _malformed(message: str) -> Refused:
    return Refused(IdentityRefusal.TOKEN_MALFORMED, message)


def _claimed_user(token: str) -> str | None:
    """Whom an unproven token names, for the event about it. Proves nothing."""
    try:
        payload = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    return _text_or_none(payload.get("sub"))


def _text_or_none(value: object) -> str | None:
    # Whole: cut, a secret in it might not be known for one.
    return value if isinstance(value, str) and value else None


def _caller_of(claims: Claims, until_s: float) -> Authenticated:
    return Authenticated(
        user_id=claims.sub,
        tier=claims.tier,
        token_tier=claims.tier,
        caller_type=claims.caller_type or CallerType(claims.tier.value),
        auth_method=AuthMethod.BEARER,
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
        expires_at_s=claims.exp,
        accepted_until_s=until_s,
    )
