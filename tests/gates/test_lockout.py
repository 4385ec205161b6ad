"""Who goes on probing is kept out: for a while, then for longer, and nobody else with him."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gatetrail.call import Call, Ids, Kind
from gatetrail.errors import PolicyInvalid
from gatetrail.gates.decision import Decision
from gatetrail.gates.enumeration import NameWindows
from gatetrail.gates.lockout import Lockouts
from gatetrail.gates.pipeline import Gates
from gatetrail.gates.state import GateState
from gatetrail.identity.caller import Anonymous, Caller
from gatetrail.identity.tiers import Tier
from gatetrail.policy.load import parse_policy
from gatetrail.policy.scanner import Lockout
from gatetrail.words import GateName, GateOutcome, ReasonCode
from tests.gates.making import call, caller, gates_for

LOCKOUT = "scanner: {lockout: {hits: 3, decay_s: 10, duration_s: 60, max_duration_s: 150}}\n"
PROBE = {"q": "' OR '1'='1"}
ANN, BOB, ROOT = caller(), caller(user="bob"), caller(Tier.ADMIN, "root")


def probe(gates: Gates, who: Caller, now_s: float, **origin: Any) -> Decision:
    return gates.decide(replace(call("ask", **origin), arguments=PROBE), who, 0, now_s)


def locked(gates: Gates, who: Caller, now_s: float, asked: Call | None = None) -> bool:
    return gates.decide(asked or call("ask"), who, 0, now_s).reason_code is ReasonCode.LOCKED_OUT


@pytest.mark.requirement("B5")
@pytest.mark.parametrize("who", [ANN, ROOT])
def test_who_goes_on_probing_is_locked_out_whatever_his_tier(who: Caller) -> None:
    gates = gates_for(LOCKOUT)
    codes = [probe(gates, who, 0.1 * number).reason_code for number in range(4)]
    assert codes == [ReasonCode.PROBE_ARGUMENT] * 3 + [ReasonCode.LOCKED_OUT]
    decision = gates.decide(call("ask"), who, 0, 10.2)
    assert (decision.gate, decision.scope, decision.scanner) == (
        GateName.SCANNER,
        GateOutcome.SKIPPED,
        GateOutcome.DENY,
    )
    assert decision.retry_after_ms == 50_000
    assert decision.reason == "locked out after too many probes, for another 50 s"
    assert gates.decide(call("ask"), who, 0, 60.2 + 0.001).allowed


@pytest.mark.requirement("B5")
def test_each_time_is_longer_up_to_the_longest_and_quiet_is_rewarded() -> None:
    gates, now_s = gates_for(LOCKOUT), 0.0
    waits: list[int | None] = []
    for _ in range(4):
        for _ in range(3):
            probe(gates, ANN, now_s)
        waits.append(gates.decide(call("ask"), ANN, 0, now_s).retry_after_ms)
        now_s += (waits[-1] or 0) / 1000
    assert waits == [60_000, 120_000, 150_000, 150_000]
    now_s += 200
    for _ in range(3):
        probe(gates, ANN, now_s)
    assert gates.decide(call("ask"), ANN, 0, now_s).retry_after_ms == 60_000


@pytest.mark.requirement("B5")
def test_a_probe_now_and_then_locks_nobody_out() -> None:
    gates = gates_for(LOCKOUT)
    assert not any(probe(gates, ANN, 11.0 * number).reason_code is ReasonCode.LOCKED_OUT for number in range(30))


@pytest.mark.requirement("B5")
def test_another_agent_address_or_session_is_no_way_out_for_a_proven_user() -> None:
    gates = gates_for(LOCKOUT)
    for number in range(3):
        origin = {"source_ip": f"192.0.2.{number}", "user_agent": f"agent-{number}"}
        assert probe(gates, ANN, 0.0, **origin).reason_code is ReasonCode.PROBE_ARGUMENT
    elsewhere = replace(call("ask", source_ip="198.51.100.7", user_agent="new"), ids=Ids("b" * 32, session_id="new"))
    assert locked(gates, ANN, 1.0, elsewhere)
    assert locked(gates, caller(Tier.ADMIN), 1.0, elsewhere)


@pytest.mark.requirement("B5")
def test_nobody_can_have_others_locked_out() -> None:
    gates = gates_for(LOCKOUT)
    shared = "192.0.2.1"
    for _ in range(3):
        probe(gates, Anonymous(), 0.0, source_ip=shared)
    assert locked(gates, Anonymous(), 1.0, call("ask", source_ip=shared))
    assert not locked(gates, ANN, 1.0, call("ask", source_ip=shared))
    assert not locked(gates, Anonymous(), 1.0, call("ask", source_ip="192.0.2.2"))
    for _ in range(3):
        probe(gates, BOB, 0.0, source_ip=shared)
    assert locked(gates, BOB, 1.0)
    assert not locked(gates, ANN, 1.0, call("ask", source_ip=shared))


@pytest.mark.requirement("B5")
def test_an_address_of_the_same_network_is_no_way_out() -> None:
    gates = gates_for(LOCKOUT)
    for number in range(3):
        probe(gates, Anonymous(), 0.0, source_ip=f"2001:db8::{number + 1}")
    assert locked(gates, Anonymous(), 1.0, call("ask", source_ip="2001:db8::ffff"))
    assert not locked(gates, Anonymous(), 1.0, call("ask", source_ip="2001:db8:1::1"))


@pytest.mark.requirement("B5")
def test_a_lockout_outlives_the_policy_and_ends_with_the_switch() -> None:
    gates = gates_for(LOCKOUT)
    for _ in range(3):
        probe(gates, ANN, 0.0)
    assert locked(gates_for(LOCKOUT, gates.state), ANN, 1.0)
    assert not locked(gates_for("scanner: {lockout: {enabled: false}}\n", gates.state), ANN, 1.0)
    assert not locked(gates_for("scanner: {enabled: false}\n", gates.state), ANN, 1.0)


@pytest.mark.requirement("B5")
@pytest.mark.parametrize("policy", ["scanner: {enumeration: {names: 3, window_s: 60}}\n"])
def test_hidden_and_unknown_names_are_the_same_scan_and_get_the_same_answer(policy: str) -> None:
    hidden = [call(name) for name in ("delete_invoice", "audit", "payroll", "export")]
    unknown = [call(name, known=False) for name in ("a", "b", "c", "d")]
    answers: list[list[tuple[Any, ...]]] = []
    for names in (hidden, unknown):
        gates = gates_for(policy)
        decisions = [gates.decide(one, ANN, 0, 0.1 * number) for number, one in enumerate(names)]
        answers.append([(one.gate, one.concealed) for one in decisions])
        last = decisions[-1]
        answers[-1].append((last.reason_code, last.reason, last.required_tier, last.scope, last.retry_after_ms))
    assert answers[0] == answers[1]
    assert answers[0][3:] == [
        (GateName.SCANNER, False),
        (ReasonCode.ENUMERATION, last.reason, None, GateOutcome.SKIPPED, None),
    ]


@pytest.mark.requirement("B5")
def test_a_client_that_insists_on_names_it_cannot_have_is_not_locked_out() -> None:
    gates = gates_for()
    stale = [call(f"old_{number}", known=False) for number in range(25)]
    for turn in range(40):
        codes = {gates.decide(one, ANN, 0, 15.0 * turn).reason_code for one in stale}
        assert codes <= {ReasonCode.UNKNOWN_TOOL, ReasonCode.ENUMERATION}
        assert gates.decide(call("ask"), ANN, 0, 15.0 * turn).allowed


@pytest.mark.requirement("B5")
def test_who_goes_through_hundreds_of_names_is_locked_out() -> None:
    gates = gates_for()
    codes = [
        gates.decide(call(f"tool_{number}", known=False), ANN, 0, 0.1 * number).reason_code for number in range(300)
    ]
    assert codes[:20] == [ReasonCode.UNKNOWN_TOOL] * 20
    assert codes[20:201] == [ReasonCode.ENUMERATION] * 181
    assert codes[201:] == [ReasonCode.LOCKED_OUT] * 99


@pytest.mark.requirement("B5")
@pytest.mark.parametrize("source_ip", [None, ""])
def test_a_program_that_hosts_the_gates_is_not_locked_out_as_a_whole(source_ip: str | None) -> None:
    gates = gates_for(LOCKOUT)
    codes = {probe(gates, Anonymous(), 0.1 * number, source_ip=source_ip).reason_code for number in range(30)}
    assert codes == {ReasonCode.PROBE_ARGUMENT}
    names = {gates.decide(call(f"n{number}", known=False), Anonymous(), 0, 3.0).reason_code for number in range(500)}
    assert ReasonCode.LOCKED_OUT not in names
    assert gates.decide(call("ask"), Anonymous(), 0, 3.0).allowed
    assert probe(gates, caller(user="in-process"), 4.0).reason_code is ReasonCode.PROBE_ARGUMENT


@pytest.mark.requirement("B5")
def test_a_clock_that_jumps_locks_nobody_out_for_it() -> None:
    gates = gates_for(LOCKOUT)
    for now_s in (1_000_000.0, 0.0):
        assert probe(gates, ANN, now_s).reason_code is ReasonCode.PROBE_ARGUMENT
    assert not locked(gates, ANN, 0.0)
    assert not locked(gates, ANN, 2_000_000.0)


@pytest.mark.requirement("B5")
def test_methods_and_resources_count_as_names() -> None:
    gates = gates_for("scanner: {enumeration: {names: 2}}\n")
    asked = [
        call("", kind=Kind.METHOD, method="tasks/list"),
        call("ledger://x", kind=Kind.RESOURCE, known=False, method="resources/read"),
        call("board", kind=Kind.PROMPT, known=False, method="prompts/get"),
    ]
    codes = [gates.decide(one, ANN, 0, 0.0).reason_code for one in asked]
    assert codes == [ReasonCode.METHOD_NOT_ALLOWED, ReasonCode.UNKNOWN_TOOL, ReasonCode.ENUMERATION]
    assert gates.decide(call("ask"), ANN, 0, 0.0).allowed


@pytest.mark.requirement("B4", "B5")
@pytest.mark.parametrize(
    "denied",
    [call("delete_invoice"), call("nothing", known=False), call("x", server="nowhere")],
    ids=lambda one: one.tool_name,
)
def test_a_flood_of_calls_out_of_scope_is_a_burst(denied: Call) -> None:
    gates = gates_for("scanner: {caller_burst: {limit: 5, window_ms: 1000}}\n")
    decisions = [gates.decide(denied, ANN, 0, 0.01 * number) for number in range(7)]
    assert [one.gate for one in decisions] == [GateName.SCOPE] * 5 + [GateName.SCANNER] * 2
    assert decisions[-1].reason_code is ReasonCode.BURST
    assert decisions[-1].required_tier is None
    assert gates.decide(call("ask"), ANN, 0, 0.08).reason_code is ReasonCode.BURST
    assert gates.decide(call("ask"), ANN, 0, 2.0).allowed


@pytest.mark.requirement("B5")
def test_a_burst_counts_as_one_probe_in_each_window() -> None:
    gates = gates_for(
        "scanner: {caller_burst: {limit: 2, window_ms: 1000}, lockout: {hits: 3, decay_s: 3600, duration_s: 60}}\n"
    )
    codes = [gates.decide(call("ask"), ANN, 0, 0.1 * number).reason_code for number in range(25)]
    assert codes.index(ReasonCode.LOCKED_OUT) == 23


@pytest.mark.requirement("B5")
def test_an_exempt_tool_or_place_may_hold_what_looks_like_a_probe() -> None:
    gates = gates_for(
        "scanner: {arguments: {exempt: [{tools: ['waf_*']}, {servers: [model], path: 'cases[*].payload'}]}}\n"
    )

    def passes(asked: Call, arguments: dict[str, Any]) -> bool:
        return gates.decide(replace(asked, arguments=arguments), ANN, 0, 0.0).allowed

    assert passes(call("waf_try"), PROBE)
    assert not passes(call("ask"), PROBE)
    assert passes(call("ask", "model"), {"cases": [{"payload": PROBE}]})
    assert not passes(call("ask", "model"), {"cases": [{"other": PROBE}]})
    assert not passes(call("ask", "public"), {"cases": [{"payload": PROBE}]})
    off = gates_for("scanner: {arguments: {enabled: false}}\n")
    assert off.decide(replace(call("ask"), arguments=PROBE), ANN, 0, 0.0).allowed


@pytest.mark.requirement("B5")
def test_what_is_remembered_is_bounded() -> None:
    lockouts, names, policy = Lockouts(max_parties=50), NameWindows(max_parties=50), Lockout(hits=1)
    for number in range(500):
        lockouts.hit(f"party-{number}", policy, float(number))
        names.tried(f"party-{number}", number, 3, 60.0, float(number))
    assert len(lockouts) <= 50
    assert len(names) <= 50
    assert lockouts.wait_s("party-499", 499.0) == 60.0
    for name in range(10_000):
        names.tried("one", name, 3, 60.0, 600.0)
    assert GateState().proven_lockouts.wait_s("nobody", 0.0) == 0.0


@pytest.mark.requirement("B5")
def test_reports_of_a_lockout_are_one_a_minute() -> None:
    lockouts = Lockouts()
    lockouts.hit("eve", Lockout(hits=1, duration_s=600, max_duration_s=600), 0.0)
    told = [lockouts.tell("eve", 0.1 * number) for number in range(1201)]
    assert [count for count in told if count is not None] == [1, 600, 600]


@pytest.mark.requirement("B5")
@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("lockout: {duration_s: 600, max_duration_s: 60}", "is less than duration_s"),
        ("arguments: {exempt: [{}]}", "names nothing that it exempts"),
        ("arguments: {exempt: [{path: $.a}]}", "begins with `$`"),
        ("enumeration: {names: 0}", "at least 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(part: str, told: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        parse_policy(f"scanner: {{{part}}}\n", "policy.yaml")
    assert told in str(caught.value)
