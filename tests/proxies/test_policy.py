"""What policy and settings say of proxies, and what is said of mistakes in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from gatetrail.clock import SystemClock
from gatetrail.errors import PolicyInvalid, SettingsInvalid
from gatetrail.identity.proxies.networks import address_of, network_of
from gatetrail.identity.tiers import Tier
from gatetrail.policy.check_identity import identity_warnings
from gatetrail.policy.load import parse_policy
from gatetrail.runtime.proxies import ProxyKeyRing
from gatetrail.settings import ServiceSettings, load_settings
from tests.proxies.stand import KEYS

pytestmark = pytest.mark.requirement("C4")


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("{name: edge, networks: [10.0.0.1/8]}", r"p:1: identity.proxies\[0\].networks\[0\]: is no network; "),
        ("{name: edge, networks: [10.0.0.1/8]}", "expected 10.0.0.0/8, without bits behind its prefix"),
        ("{name: edge, networks: [edge.example.com]}", "expected for example 10.1.2.0/24"),
        ("{name: edge, networks: []}", "networks"),
        ("{name: edge}", "networks"),
        ("{name: 'an edge', networks: [10.1.1.1]}", "name"),
        ("{name: edge, networks: [10.1.1.1], default_tier: admin}", "default_tier: is above the ceiling_tier"),
        ("{name: edge, networks: [10.1.1.1], window_s: 3600}", "window_s"),
        ("{name: edge, networks: [10.1.1.1], window_s: 0}", "window_s"),
        ("{name: edge, networks: [10.1.1.1], key: secret}", "key"),
        ("{name: e, networks: [10.1.1.1]}, {name: e, networks: [10.1.1.2]}", r"proxies\[0\] is called 'e' already"),
    ],
)
def test_what_cannot_be_meant_is_told(entry: str, told: str) -> None:
    with pytest.raises(PolicyInvalid, match=told):
        parse_policy(f"identity: {{proxies: [{entry}]}}", "p")


@pytest.mark.parametrize(
    "identity", ["{issuer: 'proxy:edge'}", "{issuers: [{issuer: 'proxy:edge', audience: a, keys: {file: /k}}]}"]
)
def test_no_issuer_passes_for_a_proxy(identity: str) -> None:
    with pytest.raises(PolicyInvalid, match=r"are those of identity\.proxies"):
        parse_policy(f"identity: {identity}", "p")


def test_what_is_worth_a_second_look_is_told() -> None:
    entries = "{name: a, networks: ['0.0.0.0/0']}, {name: b, networks: [10.1.1.1]}, {name: c, networks: ['::1']}"
    policy = parse_policy(f"identity: {{proxies: [{entries.replace('c,', 'c, user_prefix: c,')}]}}", "p")
    found = [(place[2:], message) for place, message in identity_warnings(policy.document.identity)]
    same = "a user of this proxy and one of the shared secret with the same id are one; user_prefix keeps them apart"
    assert found == [
        ((0, "user_prefix"), same),
        ((0, "networks", 0), "is a very large network; name the proxy's own addresses"),
        ((1, "user_prefix"), same),
    ]


def test_by_itself_nobody_is_trusted_and_nobody_is_more_than_a_user() -> None:
    assert parse_policy("{}", "p").document.identity.proxies == ()
    (proxy,) = parse_policy("identity: {proxies: [{name: a, networks: ['::1']}]}", "p").document.identity.proxies
    assert (proxy.ceiling_tier, proxy.default_tier, proxy.audience) == (Tier.USER, Tier.USER, "gatetrail")
    assert (proxy.window_s, proxy.user_prefix, proxy.tiers) == (30, "", None)


@pytest.mark.parametrize("peer", [None, "", "unix:", "127.0.0.1:80", "testclient", "1.2.3", "::ffff:1.2.3"])
def test_what_is_no_address_is_in_no_network(peer: str | None) -> None:
    assert address_of(peer) is None


def test_an_address_counts_in_whatever_form_it_is_written() -> None:
    network = network_of("10.0.0.0/8")
    assert network is not None
    assert address_of("::ffff:10.1.2.3") in network
    assert address_of("fe80::1%eth0") in (network_of("fe80::/10") or ())


def test_a_key_that_can_be_guessed_is_refused_and_not_told() -> None:
    ring = ProxyKeyRing({"edge": SecretStr("a short key")}, {}, SystemClock())
    with pytest.raises(SettingsInvalid, match=r"proxy_keys.edge: has 11 bytes; expected at least 32") as found:
        ring.check()
    assert "a short key" not in str(found.value)


def test_no_two_proxies_have_one_key() -> None:
    key = SecretStr(KEYS["edge"])
    with pytest.raises(SettingsInvalid, match="edge and office have the same key") as found:
        ProxyKeyRing({"edge": key, "office": (SecretStr(KEYS["office"]), key)}, {}, SystemClock()).check()
    assert KEYS["edge"] not in str(found.value)


def test_keys_are_not_shown(tmp_path: Path) -> None:
    config = tmp_path / "service.yaml"
    config.write_text(f"proxy_keys: {{edge: '{KEYS['edge']}', office: [{{from_env: OFFICE}}, '{KEYS['office']}']}}")
    settings = load_settings(config)
    assert KEYS["edge"] not in f"{settings!r} {settings}"
    ring = ProxyKeyRing(settings.proxy_keys, {"OFFICE": KEYS["far"]}, SystemClock())
    assert ring("edge") == (KEYS["edge"].encode(),)
    assert ring("office") == (KEYS["far"].encode(), KEYS["office"].encode())
    assert ring("nobody") == ()
    with pytest.raises(SettingsInvalid, match="OFFICE is not set"):
        ProxyKeyRing(settings.proxy_keys, {}, SystemClock()).check()
    assert ServiceSettings().proxy_keys == {}
