"""`token mint` prints a token that the service takes, and nothing else."""

from __future__ import annotations

import stat

import jwt
import pytest

from gatetrail.clock import SystemClock
from gatetrail.identity.bearer import TokenVerifier
from gatetrail.identity.caller import Authenticated
from gatetrail.identity.tiers import Tier
from gatetrail.runtime.sample import sample_policy
from tests.cli.conftest import Gatetrail

pytestmark = pytest.mark.requirement("C5")

MINT = ("token", "mint", "--user", "ann", "--tier", "user")


def test_the_token_stands_alone_and_proves_what_was_asked_for(offline: Gatetrail) -> None:
    ran = offline(
        *(*MINT, "--role", "auditor", "--role", "clerk", "--department", "finance", "--scope", "finance:read"),
        *("--session", "s-1", "--client", "desk", "--ttl", "15m"),
    )
    assert (ran.code, ran.err, ran.out.count("\n")) == (0, "", 1)
    secret = (offline.folder / "data" / "jwt-secret").read_bytes().strip()
    verifier = TokenVerifier(sample_policy().document.identity, secret, SystemClock())
    caller = verifier.verify(ran.out.strip())
    assert isinstance(caller, Authenticated)
    assert (caller.user_id, caller.tier, caller.roles) == ("ann", Tier.USER, ("auditor", "clerk"))
    assert (caller.department, caller.scopes, caller.session_id) == ("finance", frozenset({"finance:read"}), "s-1")
    claims = jwt.decode(ran.out.strip(), options={"verify_signature": False})
    assert (claims["client_id"], claims["exp"] - claims["iat"]) == ("desk", 900)


def test_the_secret_is_made_once_and_is_its_owners_alone(offline: Gatetrail) -> None:
    offline(*MINT)
    path = offline.folder / "data" / "jwt-secret"
    first = path.read_bytes()
    offline(*MINT)
    assert path.read_bytes() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--ttl", "soon"), "--ttl: 'soon' is no duration; expected for example 90s"),
        (("--ttl", "0s"), "a token cannot live for 0 s"),
        (("--ttl", "999d"), "identity.max_lifetime_s of the policy"),
        (("--department", ""), "'department'"),
    ],
)
def test_a_token_that_nobody_would_take_is_not_made(offline: Gatetrail, arguments: tuple[str, ...], said: str) -> None:
    ran = offline(*MINT, *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.errors[0]


def test_a_secret_that_can_be_guessed_is_refused(offline: Gatetrail) -> None:
    ran = offline(*MINT, GATETRAIL_JWT_SECRET="short")
    assert (ran.code, ran.out) == (2, "")
    assert ran.errors == ["the JWT secret (GATETRAIL_JWT_SECRET) has 5 bytes; HS256 needs at least 32 random ones"]
