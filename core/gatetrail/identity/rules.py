"""What is asked of a token whose signature fits: issuer, audience, times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gatetrail.identity.caller import IdentityRefusal
from gatetrail.identity.claims import Claims
from gatetrail.identity.keys.place import KeyPlace
from gatetrail.identity.tiers import Tier

Reason = tuple[IdentityRefusal, str]


class TokenRules(Protocol):
    """What is asked of the tokens of one issuer."""

    @property
    def issuer(self) -> str: ...
    @property
    def audience(self) -> str: ...
    @property
    def algorithms(self) -> tuple[str, ...]: ...
    @property
    def leeway_s(self) -> float: ...
    @property
    def max_lifetime_s(self) -> int: ...


class IssuerRules(TokenRules, Protocol):
    """An issuer with keys of its own, and how its tokens say what we want to know."""

    @property
    def keys(self) -> KeyPlace: ...
    @property
    def user_claim(self) -> str: ...
    @property
    def user_prefix(self) -> str: ...
    @property
    def tier_claim(self) -> str: ...
    @property
    def tiers(self) -> Mapping[str, Tier]: ...
    @property
    def default_tier(self) -> Tier | None: ...
    @property
    def ceiling_tier(self) -> Tier: ...
    @property
    def department_claim(self) -> str: ...
    @property
    def roles_claim(self) -> str: ...
    @property
    def scope_claim(self) -> str: ...
    @property
    def client_claim(self) -> str: ...


class IdentityRules(TokenRules, Protocol):
    """All issuers; the `identity` part of the policy file fits. Its own keys are about the shared secret."""

    @property
    def by_secret(self) -> bool:
        """Whether tokens that are signed with the shared secret are taken."""
        ...

    @property
    def issuers(self) -> Sequence[IssuerRules]: ...


def wrong_with(claims: Claims, rules: TokenRules, now_s: float) -> Reason | None:
    """The first thing that is wrong, named with what would be right; `now_s` is seconds since 1970."""
    return (
        _wrong_issuer(claims, rules)
        or _wrong_audience(claims, rules)
        or _wrong_time(claims, rules, now_s)
        or _wrong_lifetime(claims, rules)
    )


def _wrong_issuer(claims: Claims, rules: TokenRules) -> Reason | None:
    if claims.iss == rules.issuer:
        return None
    message = f"the token was issued by {claims.iss!r}; expected {rules.issuer!r}"
    return IdentityRefusal.ISSUER_UNKNOWN, message


def _wrong_audience(claims: Claims, rules: TokenRules) -> Reason | None:
    if rules.audience in claims.aud:
        return None
    message = f"the token is not meant for us; expected {rules.audience!r} among its audiences"
    return IdentityRefusal.AUDIENCE_WRONG, message


def _wrong_time(claims: Claims, rules: TokenRules, now_s: float) -> Reason | None:
    if now_s >= claims.exp + rules.leeway_s:
        ago_s = int(now_s - claims.exp)
        message = f"the token expired {ago_s} s ago; present a fresh one"
        return IdentityRefusal.TOKEN_EXPIRED, message
    starts_s = max(claims.iat, claims.nbf or 0)
    if now_s < starts_s - rules.leeway_s:
        ahead_s = int(starts_s - now_s) + 1
        message = f"the token is valid only in {ahead_s} s; check the clocks of issuer and host"
        return IdentityRefusal.TOKEN_NOT_YET_VALID, message
    return None


def _wrong_lifetime(claims: Claims, rules: TokenRules) -> Reason | None:
    lifetime_s = claims.exp - claims.iat
    if 0 < lifetime_s <= rules.max_lifetime_s:
        return None
    message = f"the token lives for {lifetime_s:.0f} s; expected 1 to {rules.max_lifetime_s} s"
    return IdentityRefusal.CLAIM_INVALID, message
