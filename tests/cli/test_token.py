"""`token mint` prints a token that the service takes, and nothing else."""

from __future__ import annotations

import asyncio
import stat

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gatetrail.clock import SystemClock
from gatetrail.identity.bearer import TokenVerifier
from gatetrail.identity.caller import Authenticated
from gatetrail.identity.tiers import Tier
from gatetrail.policy.load import load_policy
from gatetrail.runtime.sample import sample_policy
from tests.cli.conftest import Gatetrail
from tests.identity.stand import ec_key, jwk, key_set

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


WITH_AN_ISSUER = """
identity:
  issuers:
    - issuer: https://login.company.example
      audience: gatetrail
      keys: {file: KEYS}
      tier_claim: gate.tier
      roles_claim: "https://company.example/roles"
"""


@pytest.mark.requirement("C6")
def test_a_key_stands_in_for_an_issuers_own(offline: Gatetrail) -> None:
    key, keys, policy = (offline.folder / name for name in ("dev.pem", "keys.json", "policy.yaml"))
    private = ec_key("development")
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    keys.write_bytes(key_set(jwk(private, "dev-1")))
    policy.write_text(WITH_AN_ISSUER.replace("KEYS", str(keys)))
    signing = ("--policy", str(policy), "--key", str(key), "--kid", "dev-1")
    ran = offline(*MINT, *signing, "--role", "clerk", "--department", "finance")
    assert (ran.code, ran.err) == (0, "")
    verifier = TokenVerifier(load_policy(policy).document.identity, b"x" * 32, SystemClock())
    caller = asyncio.run(verifier.prove(ran.out.strip()))
    assert isinstance(caller, Authenticated), caller
    assert (caller.user_id, caller.tier, caller.roles, caller.department) == ("ann", Tier.USER, ("clerk",), "finance")


@pytest.mark.requirement("C6")
def test_who_cannot_sign_for_an_issuer_is_told_so(offline: Gatetrail) -> None:
    policy, key = offline.folder / "policy.yaml", offline.folder / "no.pem"
    policy.write_text(WITH_AN_ISSUER.replace("KEYS", str(key)))
    ran = offline(*MINT, "--policy", str(policy))
    assert (ran.code, ran.out) == (2, "")
    assert ran.errors[0].startswith("the policy takes no token that is signed with the shared secret")
    assert "'https://login.company.example'" in ran.errors[0]
    assert "cannot be read" in offline(*MINT, "--policy", str(policy), "--key", str(key)).errors[0]
    key.write_text("no key")
    assert "no private key in PEM" in offline(*MINT, "--policy", str(policy), "--key", str(key)).errors[0]
    assert "has none" in offline(*MINT, "--key", str(key)).errors[0]
    assert "with --key only" in offline(*MINT, "--kid", "x").errors[0]
