from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatetrail.call import Kind
from gatetrail.gates.burst import BurstWindows
from gatetrail.gates.decision import PASS
from gatetrail.gates.party import address_party
from gatetrail.gates.paths import normalise_path
from gatetrail.identity.caller import Anonymous
from gatetrail.identity.tiers import Tier
from gatetrail.words import GateName, ReasonCode
from tests.gates.making import call, caller, gates_for

SCANNER = gates_for().scanner


@pytest.mark.requirement("B4")
@pytest.mark.parametrize("agent", ["", None])
def test_no_agent_is_no_scanner(agent: str | None) -> None:
    assert SCANNER.inspect("/mcp/finance", agent) is PASS


@pytest.mark.requirement("B4")
@pytest.mark.parametrize("tier", [Tier.ADMIN, Tier.USER])
def test_administrators_are_not_exempt(tier: Tier) -> None:
    decision = gates_for().decide(call(user_agent="sqlmap/1.8"), caller(tier), 0, 0.0)
    assert decision.gate is GateName.SCANNER
    assert decision.reason_code is ReasonCode.SCANNER_AGENT


@pytest.mark.requirement("B5")
@pytest.mark.parametrize(
    ("uri", "is_probe"),
    [
        ("file:///srv/app/.env", True),
        ("file:///srv/app/%2Eenv", True),
        ("file:///srv/x/../../etc/passwd", True),
        ("file:///home/ann/.ssh/id_rsa", True),
        ("file:///repo/.git/config", True),
        ("file:///repo/.env.example", False),
        ("file:///repo/wp-content/index.php", False),
        ("file:///repo/schema.sql", False),
        ("ledger://2026/q1", False),
    ],
)
def test_probes_inside_mcp_are_found_in_resource_uris(uri: str, is_probe: bool) -> None:
    resource = call(uri, kind=Kind.RESOURCE, method="resources/read")
    decision = gates_for().decide(resource, caller(Tier.ADMIN), 0, 0.0)
    assert decision.allowed is not is_probe
    if is_probe:
        assert decision.reason_code is ReasonCode.PROBE_PATH


def test_a_tool_may_have_any_name() -> None:
    assert gates_for().decide(call("/.env"), caller(), 0, 0.0).allowed


def test_the_policy_replaces_lists_and_exempts_from_them() -> None:
    scanner = gates_for(
        """
scanner:
  paths: [/secret-door, /old-*]
  extensions: [".foo"]
  agents: [Bad Bot]
  exempt_paths: [/old-admin/*]
  exempt_agents: [our-own]
"""
    ).scanner
    for path in ("/a/Secret-Door/b", "/old-x", "/x.FOO"):
        assert scanner.inspect(path, None) is not PASS
    for path in ("/.env", "/secret-door-2", "/old-admin/x", "/x.php", "/.foo"):
        assert scanner.inspect(path, None) is PASS
    assert scanner.inspect(None, "x bad-bot/2") is not PASS
    assert scanner.inspect(None, "bad-bot/2 (our own)") is PASS
    assert scanner.inspect(None, "sqlmap/1.8") is PASS


def test_a_scanner_gate_that_is_off_finds_nothing() -> None:
    gates = gates_for("scanner: {enabled: false, anonymous_burst: {limit: 1, window_ms: 1000}}\n")
    for _ in range(3):
        scan = call(server="public", path="/.env", user_agent="nikto")
        assert gates.decide(scan, Anonymous(), 0, 0.0).allowed
    assert gates.scanner.arrival("10.0.0.1", 0.0) is PASS


BURSTS = """
scanner:
  anonymous_burst: {limit: 3, window_ms: 1000}
  caller_burst: {limit: 5, window_ms: 1000}
rate_limits: {base_per_s: {mcp: 100000}}
"""


@pytest.mark.requirement("B4")
def test_a_burst_window_slides_and_every_request_counts() -> None:
    gates = gates_for(BURSTS)
    here = call(server="public", source_ip="192.0.2.1")

    def passes(now_s: float) -> bool:
        decision = gates.decide(here, Anonymous(), 0, now_s)
        assert decision.allowed or decision.reason_code is ReasonCode.BURST
        return decision.allowed

    assert [passes(at) for at in (0.0, 0.6, 0.9)] == [True, True, True]
    # Three within the last second, although each clock second has seen at most three.
    assert not passes(0.95)
    assert not passes(1.2)
    assert passes(1.91)


@pytest.mark.requirement("B4")
def test_bursts_are_counted_for_each_party() -> None:
    gates = gates_for(BURSTS)
    for number in range(4):
        elsewhere = call(server="public", source_ip=f"192.0.2.{number}")
        assert gates.decide(elsewhere, Anonymous(), 0, 0.0).allowed
        assert gates.scanner.arrival("192.0.2.9", 0.0) is PASS or number == 3
    assert gates.scanner.arrival("192.0.2.9", 0.0) is not PASS
    outcomes = [gates.decide(call(), caller(Tier.ADMIN), 0, 0.0).allowed for _ in range(6)]
    assert outcomes == [True] * 5 + [False]
    assert gates.decide(call(), caller(user="bob"), 0, 0.0).allowed


def test_all_addresses_of_an_ipv6_network_are_one_party() -> None:
    assert address_party("2001:db8::1") == address_party("2001:db8::ffff:1%eth0")
    assert address_party("2001:db8::1") != address_party("2001:db8:0:1::1")
    assert address_party("::ffff:192.0.2.1") == address_party("192.0.2.1")
    assert address_party("unix socket") == "unix socket"
    assert address_party(None) == "in-process"


@given(
    st.lists(st.floats(0, 20), min_size=1, max_size=60).map(sorted),
    st.integers(1, 8),
    st.floats(0.1, 5),
)
def test_a_window_agrees_with_counting_by_hand(times_s: list[float], limit: int, width_s: float) -> None:
    windows = BurstWindows()
    for position, now_s in enumerate(times_s):
        within = sum(1 for then_s in times_s[: position + 1] if then_s > now_s - width_s)
        assert windows.is_burst("ann", limit, width_s, now_s) is (within > limit)


def test_the_memory_for_bursts_is_bounded_and_quiet_parties_are_forgotten() -> None:
    windows = BurstWindows(max_parties=50)
    for number in range(200):
        windows.is_burst(f"busy-{number}", 10, 1.0, 0.0)
    assert len(windows) == 50
    for number in range(200):
        windows.is_burst(f"later-{number}", 10, 1.0, 100.0 + number)
    assert len(windows) < 5


def test_where_too_many_are_busy_the_rest_share_one_window() -> None:
    windows = BurstWindows(max_parties=2)
    assert not any(windows.is_burst(party, 3, 1.0, 0.0) for party in "abcde")
    assert windows.is_burst("f", 3, 1.0, 0.0)
    assert not windows.is_burst("a", 3, 1.0, 0.0)


PATH_PIECES = st.sampled_from(
    [
        "/",
        "..",
        ".",
        "%2e",
        "%2F",
        "%25",
        "%252e",
        "%5c",
        ";",
        "?",
        "#",
        "\\",
        "\x00",
        "%00",
        "%",
        "%c0%ae",
        "%e0%80%af",
        ".env",
        "A",
        "é",
        "．",
        "%u002e",
        "２",
        "�",
        "%ff",
        "İ",
        "ß",
    ]
)
PATHS = st.lists(PATH_PIECES | st.text(max_size=3), max_size=12).map("".join)


@pytest.mark.requirement("B5")
@given(PATHS)
def test_a_normalised_path_is_plain_and_stays_as_it_is(path: str) -> None:
    plain = normalise_path(path)
    assert plain.startswith("/")
    assert "//" not in plain
    assert not {".", ".."} & set(plain.split("/"))
    assert not set("%\\;?#\x00") & set(plain)
    assert normalise_path(plain) == plain


@pytest.mark.requirement("B5")
@given(st.data(), st.integers(0, 2))
def test_no_percent_encoding_hides_a_probe(data: st.DataObject, rounds: int) -> None:
    path = "/.env"
    for _ in range(rounds):
        encoded = [f"%{ord(letter):02x}" if data.draw(st.booleans()) else letter for letter in path]
        path = "/" + "".join(encoded).removeprefix("/")
    assert normalise_path(path) == "/.env"
    assert SCANNER.inspect(path, None) is not PASS
