"""ECS output has only pairs of category and type that ECS lists, and loses nothing."""

from __future__ import annotations

from typing import Any, cast

import orjson
import pytest
from hypothesis import given

from gatetrail.events.fields import Record
from gatetrail.formats.ecs import ecs
from gatetrail.severity import SEVERITIES
from gatetrail.words import ExecutionStatus, GateName, Level, ReasonCode
from tests.formats.making import any_events, entry_of
from tests.samples import completed, decided, make_stamp

pytestmark = pytest.mark.requirement("E11")

EXPECTED_TYPES = {
    "api": {"access", "admin", "allowed", "change", "creation", "deletion", "denied", "end", "info", "start", "user"},
    "authentication": {"start", "end", "info"},
    "configuration": {"access", "change", "creation", "deletion", "info"},
    "iam": {"admin", "change", "creation", "deletion", "group", "info", "user"},
    "intrusion_detection": {"allowed", "denied", "info"},
    "session": {"start", "end", "info"},
}
"""Of ECS' reference, "ECS categorization field: event.category", for the categories that we use."""

FIELD_SETS = {
    "@timestamp",
    "client",
    "ecs",
    "error",
    "event",
    "gen_ai",
    "http",
    "log",
    "mcp_governance",
    "message",
    "related",
    "rule",
    "service",
    "source",
    "span",
    "trace",
    "url",
    "user",
    "user_agent",
}
"""Field sets of ECS, and our own one."""


def told(event: Record, /, **more: object) -> dict[str, Any]:
    return cast("dict[str, Any]", orjson.loads(ecs(entry_of(event, **more))))


@given(event=any_events())
def test_every_kind_has_only_listed_pairs_and_field_sets(event: Record) -> None:
    document = told(event)
    assert set(document) <= FIELD_SETS
    described = document["event"]
    assert described["kind"] == ("alert" if described["action"] == "scanner.detected" else "event")
    assert described["outcome"] in {"success", "failure", "unknown"}
    types = set(described.get("type", ()))
    assert not types or described["category"]
    for category in described.get("category", ()):
        assert types <= EXPECTED_TYPES[category]
    assert next(iter(document)) == "@timestamp"


@pytest.mark.parametrize(
    ("over", "status", "types", "outcome"),
    [
        ({}, None, ["access", "allowed", "start"], "unknown"),
        ({"denied": True}, None, ["access", "denied"], "failure"),
        ({}, ExecutionStatus.SUCCESS, ["access", "end"], "success"),
        ({}, ExecutionStatus.FAILED, ["access", "end"], "failure"),
        ({}, ExecutionStatus.TIMEOUT, ["access", "end"], "failure"),
    ],
)
def test_a_call(over: dict[str, Any], status: ExecutionStatus | None, types: list[str], outcome: str) -> None:
    stamp = make_stamp()
    decision = decided(stamp, **over)
    described = told(completed(stamp, decision, status) if status else decision)["event"]
    assert (described["category"], described["type"], described["outcome"]) == (["api"], types, outcome)


def test_a_denial_in_full() -> None:
    event = decided(
        make_stamp(),
        denied=True,
        gate=GateName.BLOCKLIST,
        reason_code=ReasonCode.BLOCKED,
        level=Level.WARNING,
        src_ip="10.0.0.1",
        http_user_agent="agent/1",
        roles=("auditor",),
        call_id="7",
        seq=3,
        event_hash="a" * 64,
    )
    document = told(event)
    assert document["event"] == {
        "id": event.event_id,
        "action": "tool_call.decided",
        "kind": "event",
        "category": ["api"],
        "type": ["access", "denied"],
        "outcome": "failure",
        "severity": SEVERITIES[Level.WARNING].ocsf_id,
        "module": "mcp_governance",
        "dataset": "mcp_governance.audit",
        "provider": "Gatetrail",
        "code": "blocked",
        "reason": event.reason,
        "sequence": 3,
        "hash": "a" * 64,
    }
    assert document["rule"] == {
        "name": "blocklist",
        "category": "blocklist",
        "id": "blocked",
        "ruleset": "gatetrail policy",
        "version": event.policy_version,
    }
    assert document["user"] == {"id": "ann", "roles": ["user", "auditor"]}
    assert document["client"] == document["source"] == {"address": "10.0.0.1", "ip": "10.0.0.1"}
    assert document["related"] == {"user": ["ann"], "ip": ["10.0.0.1"]}
    assert document["gen_ai"] == {
        "tool": {"name": "get_invoice", "call": {"id": "7"}},
        "operation": {"name": "execute_tool"},
    }
    assert document["service"]["target"] == {"name": "finance"}
    ours = {"decision": "deny", "gate": "blocklist", "session_id": "session-1", "execution_status": "denied"}
    assert document["mcp_governance"].items() >= ours.items()


def test_the_latency_is_in_nanoseconds_and_the_error_is_typed() -> None:
    stamp = make_stamp()
    document = told(completed(stamp, decided(stamp), ExecutionStatus.FAILED))
    assert document["event"]["duration"] == 1_500_000
    assert document["error"] == {"type": "time_limit"}


def test_what_is_no_address_is_in_no_typed_field() -> None:
    document = told(decided(make_stamp(), src_ip="unix socket"))
    assert document["client"] == document["source"] == {"address": "unix socket"}
    assert "ip" not in document["related"]


def test_a_resource_is_no_tool() -> None:
    document = told(decided(make_stamp(), method="resources/read", tool_name="file:///x"))
    assert document["mcp_governance"]["tool_name"] == "file:///x"
    assert "gen_ai" not in document


def test_an_agent_that_calls_is_named_as_one() -> None:
    assert told(decided(make_stamp(), caller_type="a2a", client_id="p"))["gen_ai"]["agent"] == {"id": "p"}
    assert "agent" not in told(decided(make_stamp(), client_id="p"))["gen_ai"]


def test_later_keys_stay_in_our_namespace() -> None:
    more = {"event": "x", "user": 1, "host": ["a"], "colour": "blue"}
    document = told(decided(make_stamp()), **more)
    assert document["mcp_governance"].items() >= more.items()
    assert document["event"]["action"] == "tool_call.decided"
