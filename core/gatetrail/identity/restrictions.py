"""What was decided against tokens and users since: revocations, and tiers above which a user may not rise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol, assert_never

from gatetrail.identity.caller import Authenticated, AuthMethod, IdentityRefusal, Refused
from gatetrail.identity.tiers import Tier, lowest

CLOCK_MARGIN_S = 5.0
"""Issuers' clocks may be ahead by so much, or by the policy's leeway if that is more: tokens that say they were issued
within it count as issued before."""


class RestrictionKind(StrEnum):
    """What is restricted."""

    TOKEN_REVOKED = "token_revoked"  # noqa: S105 -- the name of a kind
    """One token, by its `jti`."""
    USER_REVOKED = "user_revoked"
    """All tokens of a user that were issued until then. Tokens issued later are good, and so is who has none because
    the host program itself names him."""
    TIER_LIMITED = "tier_limited"
    """A user has at most this tier, whatever a token says."""


@dataclass(frozen=True, slots=True)
class Restriction:
    """One entry. A token has a `token_id`, the others a `user_id`; `issuer` None means that of anybody."""

    kind: RestrictionKind
    token_id: str | None
    user_id: str | None
    issuer: str | None
    tier: Tier | None
    """Of `TIER_LIMITED` alone."""
    reason: str
    changed_by: str
    since_s: float
    """Seconds since 1970."""


class RestrictionStore(Protocol):
    """Durable restrictions, shared by all processes on one database. Methods raise `Unavailable`."""

    async def all(self) -> Iterable[Restriction]:
        """Those in force, the newest first."""
        ...

    async def put(self, wanted: Restriction, life_s: float | None) -> Restriction:
        """Add one, or replace the one on the same token or user; every process is told. Gives it as stored.

        After `life_s` seconds it counts no longer: no token that it is about can be valid then. `since_s` is the
        database's clock.
        """
        ...

    async def take_back(self, token_id: str | None, user_id: str | None, issuer: str | None) -> Iterable[Restriction]:
        """Remove what there is against a token or a user; every process is told. Gives what was removed."""
        ...


class Restrictions:
    """`Standing` in memory. Not safe to call from several threads at once."""

    def __init__(self) -> None:
        self._tokens: Mapping[str, tuple[Restriction, ...]] = {}
        self._users: Mapping[str, tuple[Restriction, ...]] = {}

    def replace(self, restrictions: Iterable[Restriction]) -> None:
        """From now on these, and no others."""
        tokens: dict[str, tuple[Restriction, ...]] = {}
        users: dict[str, tuple[Restriction, ...]] = {}
        for one in restrictions:
            if one.token_id is not None:
                tokens[one.token_id] = (*tokens.get(one.token_id, ()), one)
            elif one.user_id is not None:
                users[one.user_id] = (*users.get(one.user_id, ()), one)
        self._tokens, self._users = tokens, users

    def admitted(self, caller: Authenticated) -> Authenticated | Refused:
        """See `Standing`."""
        against = self._users.get(caller.user_id, ())
        if caller.token_id is not None:
            against = (*self._tokens.get(caller.token_id, ()), *against)
        for one in against:
            if one.issuer is not None and one.issuer != caller.issuer:
                continue
            found = _under(one, caller)
            if isinstance(found, Refused):
                return found
            caller = found
        return caller


def _under(restriction: Restriction, caller: Authenticated) -> Authenticated | Refused:
    match restriction.kind:
        case RestrictionKind.TOKEN_REVOKED:
            return _revoked("the token was revoked; present another", caller)
        case RestrictionKind.USER_REVOKED:
            if caller.auth_method is AuthMethod.EMBEDDED or _issued_since(restriction, caller):
                return caller
            return _revoked("the user's tokens up to now were revoked; sign in again", caller)
        case RestrictionKind.TIER_LIMITED:
            tier = restriction.tier or Tier.ANONYMOUS
            if tier.satisfies(caller.token_tier):
                return caller
            return replace(caller, tier=lowest(caller.tier, tier), token_tier=tier)
        case _:
            assert_never(restriction.kind)


def _issued_since(restriction: Restriction, caller: Authenticated) -> bool:
    issued_at_s, expires_at_s, until_s = caller.issued_at_s, caller.expires_at_s, caller.accepted_until_s
    leeway_s = 0.0 if until_s is None or expires_at_s is None else until_s - expires_at_s
    return issued_at_s is not None and issued_at_s > restriction.since_s + max(leeway_s, CLOCK_MARGIN_S)


def _revoked(reason: str, caller: Authenticated) -> Refused:
    return Refused(IdentityRefusal.TOKEN_REVOKED, reason, caller.user_id)
