"""Which keys of a set are used, and how the words of other issuers are read."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import get_default_algorithms

from gatetrail.identity.foreign import claim_at, own_words
from gatetrail.identity.keys.key_set import KeySet, parse_key_set
from gatetrail.identity.strict_json import strict_object
from gatetrail.identity.tiers import Tier
from gatetrail.policy.identity import IssuerPolicy, KeysPolicy
from tests.identity.stand import claims, ec_key, ed_key, jwk, key_set, rsa_key

pytestmark = pytest.mark.requirement("C6")

GOOD = jwk(rsa_key("company"), "k")
CURVE = jwk(ec_key("company"), "k")


def parsed(*entries: Any) -> KeySet:
    return parse_key_set(json.dumps({"keys": entries}).encode(), 100, KeySet())


def small_exponent() -> dict[str, Any]:
    key = rsa.generate_private_key(public_exponent=3, key_size=2048)
    return jwk(key, "k")


def other_curve(key: Any) -> dict[str, Any]:
    name = "ES384" if isinstance(key, ec.EllipticCurvePrivateKey) else "EdDSA"
    entry: dict[str, Any] = get_default_algorithms()[name].to_jwk(key.public_key(), as_dict=True)
    return {key: value for key, value in entry.items() if key != "key_ops"}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"kty": "oct", "k": "c2VjcmV0", "kid": "k"}, "none of RSA, EC and OKP"),
        ({"kid": "k"}, "none of RSA, EC and OKP"),
        ({**GOOD, "kty": ["RSA"]}, "none of RSA, EC and OKP"),
        ({**GOOD, "use": "enc"}, "(use)"),
        ({**GOOD, "key_ops": ["encrypt"]}, "(key_ops)"),
        ({**GOOD, "key_ops": "verify"}, "(key_ops)"),
        ({**GOOD, "alg": "HS256"}, "(alg) is not RS256"),
        ({**GOOD, "alg": "RS512"}, "(alg) is not RS256"),
        ({**GOOD, "alg": None}, "(alg) is not RS256"),
        ({**CURVE, "alg": "RS256"}, "(alg) is not ES256"),
        ({**GOOD, "d": "AQAB"}, "private parts"),
        ({**GOOD, "kid": 5}, "(kid) is no text"),
        ({**GOOD, "n": "!"}, "no key"),
        ({**GOOD, "n": 5}, "no key"),
        ({"kty": "RSA", "kid": "k"}, "no key"),
        ({**CURVE, "crv": "P-384"}, "no key"),
        ({**CURVE, "y": CURVE["x"]}, "no key"),
        ({**CURVE, "crv": "P-256K"}, "no key"),
        (jwk(rsa_key("weak", 1024)), "1024 bits"),
        (small_exponent(), "exponent is 3"),
        (other_curve(ec.generate_private_key(ec.SECP384R1())), "curve (crv) is not the one of ES256"),
        (other_curve(ed448.Ed448PrivateKey.generate()), "curve (crv) is not the one of EdDSA"),
        ("text", "no JSON object"),
        (None, "no JSON object"),
    ],
)
def test_a_key_that_does_not_fit_is_never_tried_and_the_others_are(entry: Any, said: str) -> None:
    found = parsed(entry, jwk(ed_key("partner"), "fine"))
    assert [key.key_id for key in found.keys] == ["fine"]
    (sentence,) = found.unused
    assert sentence.startswith("keys[0]: ")
    assert said in sentence


def test_a_key_is_for_one_algorithm_and_looked_up_by_its_exact_name() -> None:
    named = (jwk(rsa_key("company"), "a"), jwk(ec_key("company"), "a"), jwk(ed_key("x"), "b"), jwk(ed_key("y")))
    found = parsed(*named)
    assert [key.algorithm for key in found.keys] == ["RS256", "ES256", "EdDSA", "EdDSA"]
    assert [key.algorithm for key in found.candidates("ES256", "a")] == ["ES256"]
    assert found.candidates("EdDSA", "a") == ()
    assert found.candidates("HS256", None) == ()
    assert [key.key_id for key in found.candidates("EdDSA", None)] == ["b", None]


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": [], "keys": []}', b'{"keys": [' + b"[" * 900, b"\xff", b"\x80" * 9],
)
def test_what_is_no_key_set_is_refused_whole(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(is|holds)"):
        parse_key_set(content, 100, KeySet())


def test_a_key_that_stays_in_the_set_stays_the_same_object() -> None:
    first = parse_key_set(key_set(GOOD, CURVE), 100, KeySet())
    second = parse_key_set(key_set(CURVE, {**GOOD, "use": "sig"}), 100, first)
    assert second.keys[0] is first.keys[1]
    assert second.keys[1] is not first.keys[0]


@given(st.binary(max_size=300))
def test_no_bytes_make_the_readers_raise_anything_but_their_own(content: bytes) -> None:
    with contextlib.suppress(ValueError):
        strict_object(content)
    with contextlib.suppress(ValueError):
        parse_key_set(content, 100, KeySet())


def issuer(**more: Any) -> IssuerPolicy:
    keys = KeysPolicy(url="https://login.example/keys")
    return IssuerPolicy(issuer="https://login.example", audience="gatetrail", keys=keys, **more)


REALM_ROLES = ["offline_access", "admin", "gate-ops"]
KEYCLOAK = {"realm_access": {"roles": REALM_ROLES}, "azp": "desk", "scope": "a b"}
ENTRA = {"oid": "7c", "roles": ["Gate.User"], "scp": "finance:read", "azp": "desk"}
AUTH0 = {"https://company.example/tier": "service", "sub": "auth0|1", "permissions": ["finance:read"]}


@pytest.mark.parametrize(
    ("rules", "payload", "read"),
    [
        (
            issuer(
                tier_claim="realm_access.roles",
                tiers={"gate-ops": Tier.SERVICE},
                roles_claim="realm_access.roles",
                client_claim="azp",
            ),
            KEYCLOAK,
            {"tier": Tier.SERVICE, "roles": REALM_ROLES, "client_id": "desk", "scope": "a b"},
        ),
        (
            issuer(user_claim="oid", tier_claim="roles", tiers={"Gate.User": Tier.USER}, scope_claim="scp"),
            ENTRA,
            {"sub": "7c", "tier": Tier.USER, "scope": "finance:read"},
        ),
        (
            issuer(tier_claim="https://company.example/tier", scope_claim="permissions", user_prefix="a0:"),
            AUTH0,
            {"sub": "a0:auth0|1", "tier": Tier.SERVICE, "scope": ["finance:read"]},
        ),
        (issuer(tier_claim="realm_access.roles"), KEYCLOAK, {"tier": Tier.USER}),
        (issuer(tiers={"x": Tier.USER}, default_tier=Tier.MCP), {"tier": "admin"}, {"tier": Tier.MCP}),
        (issuer(default_tier=Tier.ADMIN, ceiling_tier=Tier.A2A), {"tier": ...}, {"tier": Tier.A2A}),
        (issuer(ceiling_tier=Tier.ADMIN), {"tier": ["mcp", "admin", 5, None]}, {"tier": Tier.ADMIN}),
        (issuer(roles_claim="role"), {"role": "clerk"}, {"roles": ["clerk"]}),
    ],
)
def test_the_words_of_other_issuers_are_read_as_the_policy_says(
    rules: IssuerPolicy, payload: dict[str, Any], read: dict[str, Any]
) -> None:
    words = own_words(claims(**payload), rules)
    assert {name: words.get(name) for name in read} == read


@pytest.mark.parametrize("payload", [{"tier": ...}, {"tier": "admin"}, {"tier": ["admin"]}, {"tier": {"x": 1}}])
def test_a_token_without_a_tier_that_the_policy_knows_has_none(payload: dict[str, Any]) -> None:
    assert own_words(claims(**payload), issuer(tiers={"operators": Tier.USER})).get("tier") is None


@given(
    st.text(max_size=12), st.recursive(st.none() | st.text(), lambda inner: st.dictionaries(st.text(max_size=3), inner))
)
def test_looking_for_a_claim_never_raises(name: str, payload: Any) -> None:
    claim_at({"a": payload}, name)
