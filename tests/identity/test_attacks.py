"""Each known attack on a token, by name. The same over HTTP is in `test_attacks_served`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatetrail.identity.bearer import TokenVerifier
from gatetrail.identity.caller import Authenticated, IdentityRefusal, Refused
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.identity.token_text import TokenText, read_token
from gatetrail.policy.identity import IdentityPolicy
from tests.identity.attacks import Attack, all_attacks
from tests.identity.stand import (
    SECRET,
    START_S,
    Time,
    claims,
    ec_key,
    ed_key,
    encoded,
    good,
    of_partner,
    of_secret,
    rules,
    signer,
    token,
)

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("C6", "C5")]


_BY_SECRET = IdentityPolicy()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
async def verifier(folder: Path) -> TokenVerifier:
    """It has the keys of both issuers already."""
    verifier = TokenVerifier(rules(folder), SECRET, Time())
    for one in (good(), token({"alg": "ES256", "kid": "p-1"}, of_partner(), signer(ec_key("partner")))):
        assert isinstance(await verifier.prove(one), Authenticated)
    return verifier


@pytest.mark.parametrize("attack", [pytest.param(attack, id=attack.name) for attack in all_attacks()])
async def test_attack(verifier: TokenVerifier, attack: Attack) -> None:
    made = attack.make(START_S)
    result = await verifier.prove(made)
    assert isinstance(result, Refused), result
    assert result.reason_code is attack.reason, result.reason
    assert made not in result.reason
    assert result.reason.isprintable()


@pytest.mark.requirement("A4")
async def test_each_kind_of_key_proves_its_issuers_users(verifier: TokenVerifier) -> None:
    tokens = {
        "RS256": good(),
        "ES256": token({"alg": "ES256", "kid": "p-1"}, of_partner(), signer(ec_key("partner"))),
        "EdDSA": token({"alg": "EdDSA", "kid": "p-2", "typ": "at+jwt"}, of_partner(), signer(ed_key("partner"))),
        "HS256": token({"alg": "HS256"}, of_secret(), signer(SECRET)),
        "no kid": token({"alg": "RS256"}, claims()),
    }
    users = {name: await verifier.prove(one) for name, one in tokens.items()}
    assert {name: isinstance(user, Authenticated) and user.user_id for name, user in users.items()} == {
        "RS256": "ann",
        "ES256": "partner:ann",
        "EdDSA": "partner:ann",
        "HS256": "ann",
        "no kid": "ann",
    }


async def test_no_issuer_gives_more_than_its_ceiling(verifier: TokenVerifier) -> None:
    for tier, effective in [("admin", Tier.SERVICE), ("user", Tier.SERVICE), ("a2a", Tier.A2A), (..., Tier.MCP)]:
        made = of_partner(tier=tier, caller_type="admin")
        caller = await verifier.prove(token({"alg": "ES256", "kid": "p-1"}, made, signer(ec_key("partner"))))
        assert isinstance(caller, Authenticated)
        assert (caller.tier, caller.token_tier) == (effective, effective)
        assert caller.caller_type is CallerType(effective.value)
    company = await verifier.prove(good(tier="admin"))
    assert isinstance(company, Authenticated)
    assert company.tier is Tier.USER
    own = await verifier.prove(token({"alg": "HS256"}, of_secret(tier="admin"), signer(SECRET)))
    assert isinstance(own, Authenticated)
    assert own.tier is Tier.ADMIN


async def test_two_issuers_with_one_user_id_are_two_users(verifier: TokenVerifier) -> None:
    theirs = await verifier.prove(
        token({"alg": "ES256", "kid": "p-1"}, of_partner(sub="ann"), signer(ec_key("partner")))
    )
    ours = await verifier.prove(good(sub="ann"))
    assert isinstance(theirs, Authenticated)
    assert isinstance(ours, Authenticated)
    assert theirs.user_id != ours.user_id
    assert theirs.derived_session_id != ours.derived_session_id


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMED = st.dictionaries(
    st.sampled_from(
        ["alg", "kid", "typ", "crit", "iss", "aud", "sub", "exp", "iat", "nbf", "tier", "scope", "roles", "jti"]
    ),
    JSON | st.sampled_from(["RS256", "HS256", "c-1", "gatetrail", "user", START_S]),
)


@given(NAMED | JSON, NAMED | JSON, st.binary(max_size=70))
def test_reading_never_raises_whatever_header_payload_and_signature_are(
    header: object, payload: object, signature: bytes
) -> None:
    made = ".".join(encoded(json.dumps(part).encode()) for part in (header, payload)) + f".{encoded(signature)}"
    assert isinstance(read_token(made), TokenText | Refused)


@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=70))
def test_reading_never_raises_whatever_bytes_the_parts_are(header: bytes, payload: bytes, signature: bytes) -> None:
    made = ".".join(encoded(part) for part in (header, payload, signature))
    assert isinstance(read_token(made), Refused)


@given(payload=NAMED)
def test_signed_nonsense_is_refused_and_never_raises(payload: dict[str, object]) -> None:
    content = json.dumps({"iss": "gatetrail", **payload}).encode()
    made = token({"alg": "HS256"}, content, signer(SECRET))
    verifier = TokenVerifier(_BY_SECRET, SECRET, Time())
    result = verifier.verify(made)
    assert isinstance(result, Refused | Authenticated)
    if isinstance(result, Authenticated):
        assert {"sub", "aud", "exp", "iat", "tier"} <= payload.keys()


@given(st.text(max_size=200) | st.characters().map(lambda one: f"{good()}{one}"))
def test_no_text_is_a_token_by_chance(text: str) -> None:
    result = TokenVerifier(_BY_SECRET, SECRET, Time()).verify(text)
    assert isinstance(result, Refused)
    assert result.reason_code in {IdentityRefusal.TOKEN_MALFORMED, IdentityRefusal.ISSUER_UNKNOWN}
