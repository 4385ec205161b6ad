"""Who may issue tokens, and what is made of theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gatetrail.identity.caller import Authenticated, AuthMethod
from gatetrail.identity.claims import Claims
from gatetrail.identity.foreign import own_words
from gatetrail.identity.keys.key import ASYMMETRIC, SYMMETRIC, VerificationKey, secret_key
from gatetrail.identity.keys.key_ring import KeyRing
from gatetrail.identity.proven import proven
from gatetrail.identity.rules import IdentityRules, IssuerRules, TokenRules
from gatetrail.identity.tiers import LEVELS, CallerType, Tier


class Keys(Protocol):
    """The keys of one issuer."""

    def candidates(self, algorithm: str, key_id: str | None, now_s: float) -> Sequence[VerificationKey]:
        """Keys that a token may have been signed with, each bound to that algorithm. At once, from memory."""
        ...

    async def look_again(self) -> bool:
        """For a key that is not known; False when nothing can have changed."""
        ...


class SecretKeys:
    """The shared secret."""

    def __init__(self, secret: bytes) -> None:
        self._keys = (secret_key(secret),)

    def candidates(self, algorithm: str, key_id: str | None, now_s: float) -> Sequence[VerificationKey]:
        del key_id, now_s  # there is but one secret, whatever it is called
        return self._keys if algorithm in SYMMETRIC else ()

    async def look_again(self) -> bool:
        """It does not change while we run."""
        return False


@dataclass(frozen=True, slots=True)
class Issuer:
    """One issuer that the policy believes."""

    rules: TokenRules
    keys: Keys
    algorithms: tuple[str, ...]
    """Those of the policy that its kind of key can be for: never both kinds (RFC 8725, section 3.1)."""
    foreign: IssuerRules | None = None
    """How its tokens are read; None for ours."""

    def claims_of(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """The payload in our words."""
        return payload if self.foreign is None else own_words(payload, self.foreign)

    def caller_of(self, claims: Claims, until_s: float) -> Authenticated:
        """Whom checked claims prove."""
        return proven(
            claims, AuthMethod.BEARER, self._caller_type(claims), expires_at_s=claims.exp, accepted_until_s=until_s
        )

    def _caller_type(self, claims: Claims) -> CallerType:
        """What the claim says; of others no more than their tier allows."""
        by_tier = CallerType(claims.tier.value)
        said = claims.caller_type or by_tier
        too_much = LEVELS[Tier(said.value)] > LEVELS[claims.tier]
        return by_tier if self.foreign is not None and too_much else said


def issuers_of(rules: IdentityRules, secret: bytes, ring: KeyRing) -> dict[str, Issuer]:
    """All issuers by their names; the ring knows the places of their keys from now on, and no others."""
    ring.keep_only({issuer.keys for issuer in rules.issuers})
    found: dict[str, Issuer] = {}
    if rules.by_secret:
        found[rules.issuer] = Issuer(rules, SecretKeys(secret), _only(rules, SYMMETRIC))
    for foreign in rules.issuers:
        # The policy's check refuses two of one name; without it, the first counts.
        issuer = Issuer(foreign, ring.source(foreign.keys), _only(foreign, ASYMMETRIC), foreign)
        found.setdefault(foreign.issuer, issuer)
    return found


def _only(rules: TokenRules, possible: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in rules.algorithms if name in possible)
