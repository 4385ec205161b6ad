"""What counts against a token or a user, as rules over values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatetrail.identity.caller import Authenticated, AuthMethod, IdentityRefusal, Refused
from gatetrail.identity.restrictions import CLOCK_MARGIN_S, Restriction, RestrictionKind, Restrictions
from gatetrail.identity.tiers import CallerType, Tier

NOW_S = 1_800_000_000.0
ANN = Authenticated(
    "ann",
    Tier.ADMIN,
    Tier.ADMIN,
    CallerType.ADMIN,
    AuthMethod.BEARER,
    issuer="home",
    token_id="t-1",
    issued_at_s=NOW_S - 60,
)
TOKEN = Restriction(RestrictionKind.TOKEN_REVOKED, "t-1", None, None, None, "lost", "eve", NOW_S)
USER = Restriction(RestrictionKind.USER_REVOKED, None, "ann", None, None, "lost", "eve", NOW_S)
LIMIT = Restriction(RestrictionKind.TIER_LIMITED, None, "ann", None, Tier.USER, "left", "eve", NOW_S)


def admitted(caller: Authenticated, *restrictions: Restriction) -> Authenticated | Refused:
    standing = Restrictions()
    standing.replace(restrictions)
    return standing.admitted(caller)


def test_whom_nothing_concerns_stays_the_very_same() -> None:
    bob = replace(ANN, user_id="bob", token_id="t-2")
    assert admitted(bob, TOKEN, USER, LIMIT) is bob
    assert admitted(ANN) is ANN


@pytest.mark.requirement("C6")
@pytest.mark.parametrize("restriction", [TOKEN, USER])
@pytest.mark.parametrize(("issuer", "refused"), [(None, True), ("home", True), ("elsewhere", False)])
def test_a_revocation_counts_for_its_issuer_or_for_all(
    restriction: Restriction, issuer: str | None, *, refused: bool
) -> None:
    found = admitted(ANN, replace(restriction, issuer=issuer))
    assert isinstance(found, Refused) == refused
    if isinstance(found, Refused):
        assert (found.reason_code, found.claimed_user_id) == (IdentityRefusal.TOKEN_REVOKED, "ann")


@pytest.mark.parametrize(
    ("issued_at_s", "refused"),
    [
        (NOW_S - 1, True),
        (NOW_S, True),
        (NOW_S + CLOCK_MARGIN_S, True),
        (NOW_S + CLOCK_MARGIN_S + 1, False),
        (None, True),
    ],
)
def test_a_user_who_signs_in_again_gets_in_once_no_clock_can_be_so_far_ahead(
    issued_at_s: float | None, *, refused: bool
) -> None:
    assert isinstance(admitted(replace(ANN, issued_at_s=issued_at_s), USER), Refused) == refused


@pytest.mark.parametrize(("ahead_s", "refused"), [(60, True), (61, False)])
def test_an_issuer_whose_clock_may_be_a_minute_ahead_is_given_that_minute(ahead_s: float, *, refused: bool) -> None:
    """Else a token that was issued before the revocation would pass for one that was issued after it."""
    ann = replace(ANN, issued_at_s=NOW_S + ahead_s, expires_at_s=NOW_S + 3600, accepted_until_s=NOW_S + 3660)
    assert isinstance(admitted(ann, USER), Refused) == refused


def test_whom_a_proxy_vouches_for_again_later_gets_in_again() -> None:
    ann = replace(ANN, auth_method=AuthMethod.PROXY, token_id=None, issued_at_s=NOW_S + 6, accepted_until_s=NOW_S + 66)
    assert admitted(ann, USER) is ann


def test_whom_the_host_program_names_has_no_token_to_revoke_and_a_tier_to_limit() -> None:
    ann = replace(ANN, auth_method=AuthMethod.EMBEDDED, token_id=None, issued_at_s=None)
    assert admitted(ann, USER) is ann
    found = admitted(ann, USER, LIMIT)
    assert isinstance(found, Authenticated)
    assert found.tier is Tier.USER


def test_a_limit_lowers_and_never_raises() -> None:
    found = admitted(ANN, LIMIT)
    assert isinstance(found, Authenticated)
    assert (found.tier, found.token_tier) == (Tier.USER, Tier.USER)
    agent = replace(ANN, tier=Tier.MCP, token_tier=Tier.MCP)
    assert admitted(agent, LIMIT) is agent
    lower = replace(LIMIT, issuer="home", tier=Tier.SERVICE)
    both = admitted(ANN, LIMIT, lower)
    assert isinstance(both, Authenticated)
    assert both.tier is Tier.SERVICE
    assert admitted(ANN, lower, LIMIT) == both
