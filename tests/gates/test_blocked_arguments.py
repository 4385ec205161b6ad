"""Blocklist entries that look into the arguments of a call."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatetrail.call import Kind
from gatetrail.errors import PolicyInvalid
from gatetrail.gates.arguments import MAX_PLACES, Looking
from gatetrail.gates.decision import Decision
from gatetrail.identity.tiers import Tier
from gatetrail.policy.argument_path import parse_path
from gatetrail.policy.load import parse_policy
from gatetrail.words import GateName, ReasonCode
from tests.gates.making import call, caller, gates_for

CARD = "4111 1111 1111 1111"
GITHUB = "ghp_" + "a1B2" * 9
PEM = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----"


def decided(test: str, arguments: dict[str, Any], tool: str = "read", **entry: Any) -> Decision:
    """What one entry with this test says of a call by an administrator."""
    more = "".join(f", {key}: {value}" for key, value in entry.items())
    gates = gates_for(f"blocklist: [{{id: one, reason: not here, arguments: [{test}]{more}}}]\n")
    return gates.decide(replace(call(tool), arguments=arguments), caller(Tier.ADMIN), 0, 0.0)


def denies(test: str, arguments: dict[str, Any], **entry: Any) -> bool:
    return not decided(test, arguments, **entry).allowed


@pytest.mark.requirement("B7")
@pytest.mark.parametrize(
    ("test", "arguments"),
    [
        ("{path: to, equals: all@corp.example}", {"to": "ALL@corp.example"}),
        ("{path: 'to[*]', equals: all@corp.example}", {"to": ["bob@x", "all@corp.example"]}),
        ("{path: to, equals: all@corp.example}", {"to": [{"address": "all@corp.example"}]}),
        ("{path: '**.iban', glob: 'DE89*'}", {"a": {"b": [{"IBAN": "DE89 3704"}]}}),
        ("{path: amount, equals: 1000000}", {"amount": 1000000}),
        ("{path: amount, equals: 1000000}", {"amount": 1000000.0}),
        ("{path: amount, equals: 1000000}", {"amount": "1000000"}),
        ("{path: amount, pattern: '^[0-9]{7,}$'}", {"amount": 2500000}),
        ("{path: amount, pattern: '^[0-9]{7,}$'}", {"amount": 10**50}),
        ("{path: amount, pattern: '^[0-9]{7,}$'}", {"amount": 1e20}),
        ("{path: amount, equals: 1.0e+20}", {"amount": 10**20}),
        ("{path: amount, equals: '100000000000000000001'}", {"amount": 10**20 + 1}),
        ("{path: amount, equals: NaN}", {"amount": float("nan")}),
        ("{path: amount, equals: 0}", {"amount": -0.0}),
        ("{equals: evil}", {"a": {"evil"}}),
        ("{equals: 7}", {"a": {7: 1}}),
        ("{path: force, equals: true}", {"force": True}),
        ("{path: force, equals: false}", {"force": False}),
        ("{path: until, glob: 'null'}", {"until": None}),
        ("{path: ratio, equals: 0.5}", {"ratio": 0.5}),
        ("{path: sql, pattern: 'drop\\s+table'}", {"sql": "select 1; DROP \n TABLE invoices"}),
        ("{pattern: 'drop\\s+table'}", {"deep": [{"er": ["drop table x"]}]}),
        ("{pattern: 'drop\\s+table'}", {"drop table x": 1}),
        ("{path: options, equals: evil}", {"options": {"evil": 1}}),
        ("{path: name, equals: root}", {"name": "ｒｏｏｔ"}),
        ("{path: name, equals: root}", {"name": "ro\u200bot"}),
        ("{path: name, equals: root}", {"name": "r\u00f6\u00f6t"}),
        ("{path: name, glob: 'roo*'}", {"name": "ＲＯＯt"}),
        ("{path: name, pattern: 'root'}", {"name": "x ｒｏ\u00adｏｔ x"}),
        ("{path: name, pattern: '^root$'}", {"name": "ｒｏｏｔ"}),
        ("{path: name, glob: 'müller'}", {"name": "MU\u0308LLER"}),
        ("{path: name, pattern: 'müll|x'}", {"name": "MU\u0308\u0301LLER"}),
        ("{path: name, pattern: '^müller$'}", {"name": "mü\u200bller"}),
        ("{path: name, equals: Straße}", {"name": "STRASSE"}),
        ("{path: name, equals: Root, exact: true}", {"name": "Root"}),
        ("{secrets: true}", {"text": f"use {GITHUB} here"}),
        ("{secrets: true}", {GITHUB: 1}),
        ("{secrets: true}", {"note": ["x", {"y": PEM}]}),
        ("{secrets: true}", {"text": "password=hunter22"}),
        ("{secrets: true}", {"url": "postgres://ann:s3cret@db/x"}),
        ("{path: body, secrets: true}", {"body": f"ｇｈｐ_{'a1B2' * 9}"}),
        ("{shapes: [payment_card]}", {"text": f"my card is {CARD}"}),
        ("{shapes: [payment_card, jwt]}", {"text": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"}),
    ],
)
def test_an_entry_denies_what_its_test_finds_in_the_arguments(test: str, arguments: dict[str, Any]) -> None:
    decision = decided(test, arguments)
    assert (decision.gate, decision.reason_code) == (GateName.BLOCKLIST, ReasonCode.BLOCKED)
    assert (decision.rule_id, decision.reason) == ("one", "blocked by entry 'one': not here")


@pytest.mark.requirement("B7")
@pytest.mark.parametrize(
    ("test", "arguments"),
    [
        ("{path: to, equals: all@corp.example}", {"cc": "all@corp.example"}),
        ("{path: to, equals: all@corp.example}", {"to": "all@corp.example.org"}),
        ("{path: 'to[0]', equals: a}", {"to": ["b", "a"]}),
        ("{path: a.b, equals: x}", {"a.b": "x"}),
        ("{path: amount, equals: 1000000}", {"amount": 1000001}),
        ("{path: amount, equals: 1}", {"amount": True}),
        ("{path: name, equals: Root, exact: true}", {"name": "root"}),
        ("{path: name, pattern: Root, exact: true}", {"name": "root"}),
        ("{path: name, glob: 'R*', exact: true}", {"name": "root"}),
        # Letters of another script that look alike are others: an entry that means them says so.
        ("{path: name, equals: root}", {"name": "r\u043e\u043et"}),
        ("{secrets: true}", {"text": f"my card is {CARD}"}),
        ("{secrets: true}", {"text": "the secret of good tokens is a long password", "n": 4}),
        ("{shapes: [payment_card]}", {"text": "4111 1111 1111 1112"}),
        ("{pattern: 'a.*b'}", {"x": "a", "y": "b"}),
        ("{pattern: 'a[^c]+b'}", {"x": "a", "y": "b"}),
        ("{secrets: true}", {}),
        ("{path: x, glob: '*'}", {}),
    ],
)
def test_an_entry_leaves_the_rest_alone(test: str, arguments: dict[str, Any]) -> None:
    assert decided(test, arguments).allowed


@pytest.mark.requirement("B7")
def test_all_tests_and_all_names_of_an_entry_must_fit() -> None:
    tests = "{path: to, glob: '*@outside.example'}, {path: body, secrets: true}"
    both = {"to": "eve@outside.example", "body": GITHUB}
    assert denies(tests, both)
    assert denies(tests, both, tools="[re*]", users="[ANN]")
    assert not denies(tests, {**both, "body": "hello"})
    assert not denies(tests, {**both, "to": "bob@inside.example"})
    assert not denies(tests, both, tools="[write]")
    assert not denies(tests, both, users="[bob]")


@pytest.mark.requirement("B7")
def test_an_entry_with_arguments_is_over_at_its_expiry() -> None:
    gates = gates_for("blocklist: [{id: one, reason: x, arguments: [{equals: a}], expires_at: 2026-01-01T00:00:00Z}]\n")
    asked = replace(call(), arguments={"x": "a"})
    assert not gates.decide(asked, caller(), 1_700_000_000_000_000, 0.0).allowed
    assert gates.decide(asked, caller(), 1_800_000_000_000_000, 0.0).allowed


@pytest.mark.requirement("B7")
@pytest.mark.parametrize("value", [GITHUB, "hunter22-very-secret"])
def test_what_was_found_is_not_in_the_reason(value: str) -> None:
    decision = decided("{glob: '*'}", {"x": value})
    assert value not in repr(decision)


MORE: list[dict[str, Any]] = [
    {"pad": "x" * 300_000, "evil": 1},
    {"pad": ["x" * 3_000] * 100},
    {"pad": [0] * (MAX_PLACES + 1)},
    {f"key-{number}": {} for number in range(40_000)},
    {"pad": "\u3042" * 100_000},
    {"pad": 10**5_000},
]


@pytest.mark.requirement("B7")
@pytest.mark.parametrize("arguments", MORE, ids=["long", "many", "places", "keys", "wide", "digits"])
def test_more_than_is_looked_at_is_denied_and_said_so(arguments: dict[str, Any]) -> None:
    decision = decided("{path: evil, equals: 2}, {equals: evil}", {**arguments, "evil": 2})
    assert decision.rule_id == "one"
    assert decided("{path: elsewhere, equals: evil}", {"elsewhere": "good", "pad": "x" * 300_000}).allowed
    unseen = decided("{equals: nowhere}", arguments)
    assert unseen.rule_id == "one"
    assert "there is more in the arguments than the 262144 bytes that it looks at" in unseen.reason
    assert decided("{equals: nowhere}", arguments, tool="other", tools="[read]").allowed


@pytest.mark.requirement("B7")
def test_how_much_is_looked_at_can_be_set() -> None:
    assert denies("{equals: nowhere}", {"x": "a" * 2_000}, max_argument_bytes=1024)
    assert not denies("{equals: nowhere}", {"x": "a" * 1_000}, max_argument_bytes=1024)
    assert not denies("{equals: nowhere}", {"x": "a" * 300_000}, max_argument_bytes=400_000)


@pytest.mark.requirement("B7")
def test_giant_and_deep_arguments_cost_a_bounded_time() -> None:
    deep: Any = "x"
    for _ in range(20_000):
        deep = {"a": [deep]}
    gates = gates_for(
        "blocklist: [{id: one, reason: x, arguments: [{path: '**.a.**.a.**.a.**.b', pattern: '(x+x+)+y'}]},"
        "{id: two, reason: x, arguments: [{secrets: true}]}]\n"
    )
    for arguments in ({"deep": deep}, {"x": "password" * 500_000}, {"n": 10**50_000}, {"wide": [[1]] * 200_000}):
        began = time.perf_counter()
        decision = gates.decide(replace(call(), arguments=arguments), caller(), 0, 0.0)
        assert time.perf_counter() - began < 2.0
        assert decision.gate in {GateName.BLOCKLIST, GateName.NONE}


@pytest.mark.requirement("B7")
@pytest.mark.parametrize(
    ("test", "told"),
    [
        ("{path: a}", "expected exactly one of equals, glob, pattern, secrets, shapes, got none"),
        ("{equals: a, glob: b}", "got equals and glob"),
        ("{secrets: false}", "got none"),
        ("{path: $.a, equals: b}", "begins with `$`"),
        ("{pattern: '(?=x)'}", "RE2 has no look-ahead"),
        ("{pattern: 'x*'}", "fits an empty text too"),
        ("{shapes: [secret_name]}", "secret_name is no shape of a value"),
        ("{equals: 100000000000000000000}", "more than 64 bits"),
        ("{shapes: [gold]}", "unknown shape 'gold'"),
        ("{equal: a}", "did you mean 'equals'?"),
    ],
)
def test_a_test_that_cannot_be_meant_is_refused(test: str, told: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        parse_policy(f"blocklist:\n  - id: one\n    reason: x\n    arguments: [{test}]\n", "policy.yaml")
    assert told in str(caught.value)


@pytest.mark.requirement("B6", "B7")
@pytest.mark.parametrize(
    "name",
    ["PURGE_ALL", "Purge_All", "ｐｕｒｇｅ_all", "purge\u200b_all", "pu\u00adrge_all", "purg\u00e9_all"],
)
def test_no_way_of_writing_gets_a_tool_past_the_blocklist(name: str) -> None:
    gates = gates_for('blocklist: [{id: one, tools: ["purge_*"], reason: x}]\n')
    assert gates.decide(call(name), caller(Tier.ADMIN), 0, 0.0).rule_id == "one"


@pytest.mark.requirement("B6")
@pytest.mark.parametrize(
    "uri",
    [
        "file:///secret/x",
        "FILE:///SECRET/x",
        "file:/secret/x",
        "file:////secret//x",
        "file:///%73ecret/x",
        "file:///secret%2Fx",
        "file:///%2573ecret/x",
        "file:///a/../secret/x",
        "file:///a/%2e%2e/secret/x",
        "file:///./secret/./x",
        "file:///\\secret\\x",
        "file:///ｓecret/x",
        "file:///secret;v=1/x",
        "file:///%c0%afsecret/x",
    ],
)
def test_no_way_of_writing_gets_a_resource_past_the_blocklist(uri: str) -> None:
    gates = gates_for('blocklist: [{id: one, tools: ["file:///secret/*"], reason: x}]\n')
    resource = call(uri, kind=Kind.RESOURCE, method="resources/read")
    assert gates.decide(resource, caller(Tier.ADMIN), 0, 0.0).rule_id == "one"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=12,
)
PATHS = st.sampled_from(["a", "a.b", "*", "*.a", "**.a", "a[*]", "a[0].b", "**.a.**.b", '["a"]'])


@pytest.mark.requirement("B7")
@given(st.dictionaries(st.text("ab", max_size=2), VALUES, max_size=3), PATHS)
def test_what_stands_at_a_path_stands_anywhere(arguments: dict[str, Any], path: str) -> None:
    looking = Looking(arguments)
    here, anywhere = looking.at(parse_path(path), 10_000), looking.at(None, 10_000)
    assert here.whole
    assert anywhere.whole
    assert set(here.texts) <= set(anywhere.texts)
