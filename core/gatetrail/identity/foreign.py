"""The words of other issuers: their claims under the names that we read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gatetrail.identity.rules import IssuerRules
from gatetrail.identity.strict_json import is_list, is_object
from gatetrail.identity.tiers import LEVELS, Tier

_AS_THEY_ARE = ("iss", "aud", "exp", "iat", "nbf", "jti", "session_id", "context_id", "caller_type")

Payload = Mapping[str, Any]


def own_words(payload: Payload, rules: IssuerRules) -> dict[str, Any]:
    """What the payload says in our words; nothing is checked yet, and claims that are null are absent."""
    found = {name: payload.get(name) for name in _AS_THEY_ARE}
    found["sub"] = _user(payload, rules)
    found["tier"] = _tier(payload, rules)
    found["department"] = claim_at(payload, rules.department_claim)
    found["roles"] = _listed(claim_at(payload, rules.roles_claim))
    found["scope"] = claim_at(payload, rules.scope_claim)
    found["client_id"] = claim_at(payload, rules.client_claim)
    return {name: value for name, value in found.items() if value is not None}


def claim_at(payload: Payload, name: str) -> Any:
    """The claim of a name, `realm_access.roles` being inside of another; a URL is one name, dots and all."""
    value: Any = payload
    for part in [name] if "://" in name else name.split("."):
        value = value.get(part) if is_object(value) else None
    return value


def _user(payload: Payload, rules: IssuerRules) -> Any:
    user = claim_at(payload, rules.user_claim)
    return f"{rules.user_prefix}{user}" if isinstance(user, str) and user else user


def _tier(payload: Payload, rules: IssuerRules) -> Any:
    """The highest tier that the claim names, or the default; never above the ceiling."""
    said = claim_at(payload, rules.tier_claim)
    known = [*_tiers_in(said, rules)]
    if known:
        chosen: Tier | None = max(known, key=LEVELS.__getitem__)
    else:
        chosen = rules.default_tier
    if chosen is None:
        return said if isinstance(said, str) and not rules.tiers else None
    return min(chosen, rules.ceiling_tier, key=LEVELS.__getitem__)


def _tiers_in(said: Any, rules: IssuerRules) -> Iterator[Tier]:
    """Where the policy translates words, no other word is a tier: many directories have a role `admin`."""
    translation = rules.tiers or {tier.value: tier for tier in Tier}
    for word in _listed(said) or ():
        if isinstance(word, str) and word in translation:
            yield translation[word]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value if is_list(value) else None
