"""What `policy check` says of issuers."""

from __future__ import annotations

import pytest

from gatetrail.errors import PolicyInvalid
from gatetrail.policy.check_identity import identity_warnings
from gatetrail.policy.load import parse_policy
from gatetrail.policy.source import text_of

pytestmark = pytest.mark.requirement("C6")

ISSUER = """\
identity:
  issuers:
    - issuer: https://login.example
      audience: gatetrail
      algorithms: [RS256]
      keys: {url: "https://login.example/keys"}
"""


def complaints(text: str) -> list[str]:
    with pytest.raises(PolicyInvalid) as caught:
        parse_policy(text, "p")
    return str(caught.value).splitlines()


def test_an_issuer_needs_no_more_than_four_keys() -> None:
    identity = parse_policy(ISSUER, "p").document.identity
    (issuer,) = identity.issuers
    assert (issuer.ceiling_tier.value, issuer.default_tier, issuer.user_prefix) == ("user", None, "")
    assert not identity.by_secret
    assert parse_policy("identity: {anonymous: false}", "p").document.identity.by_secret


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[RS256]", "[RS256, HS256]", "p:5: identity.issuers[0].algorithms[1]: algorithm 'HS256' does not go with the"),
        ("[RS256]", "[none]", "p:5: identity.issuers[0].algorithms[0]: algorithm 'none' does not go with"),
        ("[RS256]", "[]", "p:5: identity.issuers[0].algorithms: names no algorithm; expected some of RS256, ES256"),
        ('{url: "https://login.example/keys"}', "{}", "p:6: identity.issuers[0].keys: expected exactly one of file"),
        ("{url:", "{file: /keys.json, url:", "p:6: identity.issuers[0].keys: expected exactly one of file and url"),
        ('url: "https://login.example/keys"', "file: keys.json", "p:6: identity.issuers[0].keys.file: expected an abs"),
        ("https://login.example/keys", "http://login.example/keys", "keys.url: expected https: whoever can change"),
        ("https://login.example/keys", "ftp://login.example/keys", "keys.url: expected https://HOST/PATH"),
        ("https://login.example/keys", "https://a:b@login.example/keys", "keys.url: may hold neither credentials"),
        ("https://login.example/keys", "https://[login/keys", "keys.url: is no URL"),
        ("{url:", "{ca_file: ca.pem, url:", "keys.ca_file: expected an absolute path"),
        ('url: "https://login.example/keys"', "file: /k.json, ca_file: /ca.pem", "keys.ca_file: is of no use without"),
        (
            "audience: gatetrail",
            "audience: gatetrail\n      default_tier: admin",
            "default_tier: admin is above the ceil",
        ),
        ("keys: {url", "kees: {url", "p:6: identity.issuers[0].kees: unknown key; did you mean 'keys'?"),
        ("{url:", "{max_stale_s: 5, url:", "keys.max_stale_s: expected at least 60, got the number 5"),
        (
            "identity:\n",
            "identity:\n  algorithms: [RS256]\n",
            "p:2: identity.algorithms[0]: algorithm 'RS256' does not",
        ),
        (
            "identity:\n",
            "identity:\n  shared_secret: true\n  issuer: https://login.example\n",
            "p:5: identity.issuers[0].issuer: the issuer 'https://login.example' belongs to the shared secret",
        ),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_line(old: str, new: str, said: str) -> None:
    assert old in ISSUER
    lines = complaints(ISSUER.replace(old, new, 1))
    assert any(said in line for line in lines), lines


def test_two_issuers_of_one_name_are_refused() -> None:
    entry = ISSUER.partition("issuers:\n")[2]
    assert "belongs to identity.issuers[0] already" in complaints(ISSUER + entry)[0]


def test_loopback_needs_no_https() -> None:
    for host in ("127.0.0.1:8000", "localhost", "[::1]:9"):
        parse_policy(ISSUER.replace("https://login.example/keys", f"http://{host}/keys"), "p")


def test_what_may_surprise_is_warned_of() -> None:
    entry = ISSUER.partition("issuers:\n")[2].replace("login.example", "partner.example")
    text = ISSUER + entry + "      tiers: {ops: admin}\n"
    warnings = [
        f"{text_of(place)}: {said}" for place, said in identity_warnings(parse_policy(text, "p").document.identity)
    ]
    assert warnings == [
        (
            "identity.issuers[1].user_prefix: a user of this issuer and one of 'https://login.example' with the "
            "same id are one; user_prefix keeps them apart"
        ),
        "identity.issuers[1].tiers.ops: counts as user, since ceiling_tier allows no more",
    ]
    nobody = parse_policy("identity: {shared_secret: false}", "p").document.identity
    assert [said for _, said in identity_warnings(nobody)] == [
        "no token is taken from anybody, since there are no issuers either"
    ]
