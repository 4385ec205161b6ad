"""Bearer tokens: from an `Authorization` header to a proven caller, or to the reason why not."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

import jwt
from pydantic import ValidationError

from gatetrail.clock import Clock, IdMaker
from gatetrail.errors import SettingsInvalid, WrongUse
from gatetrail.identity.caller import Authenticated, IdentityRefusal, Refused
from gatetrail.identity.claims import Claims
from gatetrail.identity.issuer import Issuer, Keys, issuers_of
from gatetrail.identity.keys.key import VerificationKey
from gatetrail.identity.keys.key_ring import KeyRing
from gatetrail.identity.rules import IdentityRules, TokenRules, wrong_with
from gatetrail.identity.signing_key import SigningKey
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.identity.token_text import MAX_TOKEN_CHARACTERS, TokenText, read_token

MIN_SECRET_BYTES = 32
"""RFC 7518, section 3.2: a key for HS256 has at least the size of its hash."""


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
    key: VerificationKey


@dataclass(frozen=True, slots=True)
class _KeyMissing:
    """No key of the issuer's fits, as far as we know its keys."""

    keys: Keys
    refused: Refused


class TokenVerifier:
    """Verifies tokens under the rules of the moment. Of one event loop; not safe to call from several threads.

    A verified token is remembered by its SHA-256 until it expires, its key is withdrawn or the rules change, and its
    times are looked at again on every use. Refusals are not remembered.
    """

    def __init__(
        self, rules: IdentityRules, secret: bytes, clock: Clock, cache_size: int = 10_000, keys: KeyRing | None = None
    ) -> None:
        """Raises SettingsInvalid when the secret has less than 32 bytes."""
        check_secret(secret)
        self._secret = secret
        self._clock = clock
        self._cache_size = cache_size
        self._cache: OrderedDict[bytes, _Verified] = OrderedDict()
        self._ring = keys or KeyRing(clock)
        self._rules = rules
        self._issuers = issuers_of(rules, secret, self._ring)

    def under(self, rules: IdentityRules) -> TokenVerifier:
        """Itself, from now on under these rules: when they differ, nothing that was verified before counts."""
        if rules is not self._rules:
            if rules != self._rules:
                self._cache.clear()
                self._issuers = issuers_of(rules, self._secret, self._ring)
            self._rules = rules
        return self

    def verify(self, token: str) -> Authenticated | Refused:
        """Who the token proves, or why it proves nobody, by the keys that are known. Never raises, repeats no token."""
        caller = self._remembered(token)
        if caller is not None:
            return caller
        found = self._looked_at(token)
        return found.refused if isinstance(found, _KeyMissing) else found

    async def prove(self, token: str) -> Authenticated | Refused:
        """The same; waits for the issuer's keys when the token's is not among those that are known.

        As long as one fetch at most, and not at all soon after another one for an unknown key.
        """
        caller = self._remembered(token)
        if caller is not None:
            return caller
        found = self._looked_at(token)
        if isinstance(found, _KeyMissing) and await found.keys.look_again():
            return self.verify(token)
        return found.refused if isinstance(found, _KeyMissing) else found

    def _remembered(self, token: str) -> Authenticated | None:
        if len(token) > MAX_TOKEN_CHARACTERS:
            return None
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        known = self._cache.get(digest)
        if known is None:
            return None
        now_s = self._clock.now_us() / 1_000_000
        if known.from_s <= now_s < known.until_s and now_s < known.key.usable_until_s:
            self._cache.move_to_end(digest)
            return known.caller
        del self._cache[digest]
        return None

    def _looked_at(self, token: str) -> Authenticated | Refused | _KeyMissing:
        text = read_token(token)
        if isinstance(text, Refused):
            return text
        issuer = self._issuer_of(text)
        if isinstance(issuer, Refused):
            return issuer
        digest = hashlib.sha256(token.encode("ascii")).digest()  # what is no ASCII was refused as no token
        return self._judge(text, issuer, digest, self._clock.now_us() / 1_000_000)

    def _judge(
        self, text: TokenText, issuer: Issuer, digest: bytes, now_s: float
    ) -> Authenticated | Refused | _KeyMissing:
        key = _key_of(text, issuer, now_s)
        if not isinstance(key, VerificationKey):
            return key
        claims = _claims_of(text, issuer)
        if isinstance(claims, Refused):
            return claims
        if reason := wrong_with(claims, issuer.rules, now_s):
            return Refused(*reason, claims.sub)
        leeway_s = issuer.rules.leeway_s
        until_s = claims.exp + leeway_s
        caller = issuer.caller_of(claims, until_s)
        self._remember(digest, _Verified(caller, max(claims.iat, claims.nbf or 0) - leeway_s, until_s, key))
        return caller

    def _remember(self, digest: bytes, verified: _Verified) -> None:
        self._cache[digest] = verified
        if len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)

    def _issuer_of(self, text: TokenText) -> Issuer | Refused:
        """Chosen by `iss` among those of the policy; the algorithm is looked at before any signature is computed."""
        named = text.payload.get("iss")
        if named is None:
            return Refused(IdentityRefusal.CLAIM_MISSING, "the token lacks the claim 'iss'", text.claimed_user)
        issuer = self._issuers.get(named) if isinstance(named, str) else None
        if issuer is None:
            message = f"the token's issuer is not one of ours; expected {self._issuer_names()}"
            return Refused(IdentityRefusal.ISSUER_UNKNOWN, message, text.claimed_user)
        if text.algorithm in issuer.algorithms:
            return issuer
        allowed = ", ".join(issuer.algorithms)
        message = f"the token is signed with an algorithm that is not allowed; expected {allowed}"
        return Refused(IdentityRefusal.ALGORITHM_NOT_ALLOWED, message, text.claimed_user)

    def _issuer_names(self) -> str:
        return " or ".join(repr(name) for name in self._issuers) or "none, since the policy names none"


def _key_of(text: TokenText, issuer: Issuer, now_s: float) -> VerificationKey | Refused | _KeyMissing:
    """The key that made the signature."""
    candidates = issuer.keys.candidates(text.algorithm, text.key_id, now_s)
    for key in candidates:
        if key.fits(text.signed, text.signature):
            return key
    if candidates:
        message = "the token's signature does not fit; expected one made with a key of its issuer's"
        refused = Refused(IdentityRefusal.SIGNATURE_INVALID, message, text.claimed_user)
        # A key without a name may be a new one.
        return refused if text.key_id is not None else _KeyMissing(issuer.keys, refused)
    message = "the token is signed with a key that its issuer does not publish, or did not when we last could look"
    return _KeyMissing(issuer.keys, Refused(IdentityRefusal.KEY_UNKNOWN, message, text.claimed_user))


def _claims_of(text: TokenText, issuer: Issuer) -> Claims | Refused:
    try:
        return Claims.model_validate(issuer.claims_of(text.payload))
    except ValidationError as error:
        return _refused_claims(error, text.claimed_user)


def mint(  # noqa: PLR0913 -- one keyword for each claim
    identity: TokenRules,
    secret: bytes | SigningKey,
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

    `identity` are the rules of the issuer that the secret, or the key, belongs to.

    Raises SettingsInvalid for a weak secret, WrongUse for values that no token may carry.
    """
    if isinstance(secret, bytes):
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
    return jwt.encode(present, secret, algorithm="HS256") if isinstance(secret, bytes) else secret.signed(present)


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
