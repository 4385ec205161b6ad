"""OCSF output is what OCSF's own rules allow, by a validator that is not ours."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, cast

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gatetrail.clock import from_rfc3339
from gatetrail.events.fields import Record
from gatetrail.formats.kinds import KINDS
from gatetrail.formats.ocsf import ocsf, ocsf_object
from gatetrail.formats.ocsf_1_9 import ocsf_1_9
from gatetrail.formats.ocsf_classes import activity_of
from gatetrail.severity import DENIAL_LEVELS, SEVERITIES
from gatetrail.words import ExecutionStatus, GateName, GateOutcome, ReasonCode
from tests.formats.making import MODELS, Presence, any_events, entry_of, events
from tests.samples import completed, decided, make_stamp

pytestmark = pytest.mark.requirement("E11")

OCSF: Any = import_module("ocsf_json_schema")  # has no types
SCHEMA: dict[str, Any] = OCSF.get_ocsf_schema("1.8.0")
CLASSES: dict[int, str] = {one["uid"]: name for name, one in SCHEMA["classes"].items()}
CHAIN: dict[str, Any] = {"chain_id": "c" * 36, "event_hash": "a" * 64, "prev_hash": "b" * 64, "seq": 9}


@cache
def validator(class_uid: int, profiles: tuple[str, ...]) -> Draft202012Validator:
    embedded = OCSF.OcsfJsonSchemaEmbedded(SCHEMA)
    return Draft202012Validator(embedded.get_class_schema(CLASSES[class_uid], list(profiles)))


def told(event: Record, /, **more: object) -> dict[str, Any]:
    return cast("dict[str, Any]", orjson.loads(ocsf(entry_of(event, **more))))


def errors(event: dict[str, Any]) -> list[str]:
    checked: Any = validator(event["class_uid"], tuple(event["metadata"]["profiles"]))
    return [f"{error.json_path}: {error.message}" for error in checked.iter_errors(event)]


@pytest.mark.parametrize("presence", Presence)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@settings(max_examples=25)
@given(data=st.data())
def test_events_of_every_kind_validate(model: type[Record], presence: Presence, data: st.DataObject) -> None:
    assert errors(told(data.draw(events(model, presence)))) == []


def test_the_validator_refuses_what_is_wrong() -> None:
    event = told(decided(make_stamp()))
    assert errors({**event, "colour": "blue"})
    assert errors({key: value for key, value in event.items() if key != "src_endpoint"})


@given(event=any_events())
def test_captions_and_sums_are_those_of_the_schema(event: Record) -> None:
    result = told(event)
    attributes = SCHEMA["classes"][CLASSES[result["class_uid"]]]["attributes"]
    for number, caption in (
        ("severity_id", "severity"),
        ("status_id", "status"),
        ("action_id", "action"),
        ("disposition_id", "disposition"),
        ("activity_id", "activity_name"),
        ("class_uid", "class_name"),
        ("category_uid", "category_name"),
    ):
        if number in result and result[number] != 99:
            assert attributes[number]["enum"][str(result[number])]["caption"] == result[caption]
    assert result["type_uid"] == result["class_uid"] * 100 + result["activity_id"]
    assert result["time"] == from_rfc3339(event.timestamp) // 1000
    assert (result["severity_id"], result["severity"]) == (
        SEVERITIES[event.level].ocsf_id,
        SEVERITIES[event.level].ocsf_caption,
    )


def test_each_kind_has_the_class_that_was_chosen_for_it() -> None:
    activities = {name: activity_of(kind, name) for name, kind in KINDS.items()}
    chosen = {name: (activity.of.uid, activity.id) for name, activity in activities.items()}
    assert {name: uids for name, uids in chosen.items() if not name.startswith("lifecycle.")} == {
        "tool_call.decided": (6003, 99),
        "tool_call.completed": (6003, 99),
        "execution.orphaned": (6003, 99),
        "manifest.listed": (6003, 2),
        "scanner.detected": (2004, 1),
        "identity.refused": (3002, 1),
        "identity.restricted": (3004, 12),
        "identity.restored": (3004, 13),
        "session.started": (3002, 1),
        "session.resumed": (3002, 99),
        "session.ended": (3002, 2),
        "policy.changed": (3004, 3),
        "policy.rejected": (3004, 3),
        "hook.ran": (6002, 99),
        "rate_store.failed": (6002, 99),
        "rate_store.recovered": (6002, 99),
        "hook.failed": (6008, 1),
        "audit.heartbeat": (6002, 99),
        "audit.checkpoint": (6002, 99),
        "audit.gap": (6002, 99),
        "audit.sink_failed": (6002, 99),
        "audit.sink_recovered": (6002, 99),
    }
    assert {uids[0] for name, uids in chosen.items() if name.startswith("lifecycle.")} == {6002}


@pytest.mark.parametrize("gate", [gate for gate in GateName if gate is not GateName.NONE])
def test_a_denial_names_its_gate_and_reason(gate: GateName) -> None:
    event = decided(
        make_stamp(), denied=True, gate=gate, level=DENIAL_LEVELS[gate], reason_code=ReasonCode.BLOCKED, rule_id="r-1"
    )
    result = told(event)
    assert (result["action_id"], result["disposition_id"], result["status_id"]) == (2, 2, 2)
    assert (result["status_code"], result["status_detail"]) == ("blocked", event.reason)
    policy = {"name": gate, "type": "gate", "is_applied": True, "uid": "r-1", "version": event.policy_version}
    assert result["policy"] == policy
    assert result["authorizations"] == [{"decision": "deny", "policy": policy}]
    assert result["is_alert"] == (gate is GateName.SCANNER)
    assert result["unmapped"]["execution_status"] == "denied"


def test_an_allowed_call_and_its_outcome() -> None:
    stamp = make_stamp()
    decision = decided(stamp, span_id="b" * 16)
    result = told(decision)
    assert (result["action_id"], result["status_id"], result["status_code"]) == (1, 0, "pending")
    assert result["api"]["operation"] == "tools/call"
    assert result["resources"] == [{"name": "get_invoice", "uid": "finance/get_invoice", "type": "mcp_tool"}]
    assert "span" not in result["trace"]
    assert result["unmapped"]["span_id"] == "b" * 16
    assert result["unmapped"]["gate_scope"] == GateOutcome.PASS

    outcome = told(completed(stamp, decision, ExecutionStatus.TIMEOUT), span_id="b" * 16)
    assert (outcome["status_id"], outcome["status_code"], outcome["status_detail"]) == (2, "timeout", "time_limit")
    span = outcome["trace"]["span"]
    assert span["end_time"] == outcome["time"]
    assert span["duration"] == span["end_time"] - span["start_time"] == 2
    assert outcome["unmapped"]["latency_ms"] == 1.5


@pytest.mark.parametrize(
    ("method", "kind"), [("resources/read", "mcp_resource"), ("prompts/get", "mcp_prompt"), ("tools/call", "mcp_tool")]
)
def test_a_resource_is_not_called_a_tool(method: str, kind: str) -> None:
    assert told(decided(make_stamp(), method=method))["resources"][0]["type"] == kind


@pytest.mark.parametrize("address", ["10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1"])
def test_an_address_is_typed_and_anything_else_is_a_name(address: str) -> None:
    result = told(decided(make_stamp(), src_ip=address))
    assert result["src_endpoint"] == {"ip": address}
    assert errors(result) == []
    assert told(decided(make_stamp(), src_ip=f"{address}\n"))["src_endpoint"] == {"name": f"{address}\n"}
    assert told(decided(make_stamp()))["src_endpoint"] == {"name": "unknown"}


def test_later_keys_are_unmapped_and_still_validate() -> None:
    more = {"class_uid": 1, "metadata": "x", "colour": "blue", "deep": {"er": [1, None]}}
    result = told(decided(make_stamp()), **more)
    assert result["unmapped"].items() >= more.items()
    assert result["class_uid"] == 6003
    assert errors(result) == []


@given(event=any_events())
def test_1_9_is_1_8_with_named_differences(event: Record) -> None:
    entry = entry_of(event)
    older, newer = orjson.loads(ocsf(entry)), orjson.loads(ocsf_1_9(entry))
    unmapped = newer.setdefault("unmapped", {})
    profiles = newer["metadata"]["profiles"]
    assert newer["metadata"]["version"] == "1.9.0"
    newer["metadata"]["version"] = "1.8.0"
    if "attestation_list" in newer:
        (attestation,) = newer.pop("attestation_list")
        profiles.remove("record_integrity")
        unmapped["chain_id"] = attestation["chain_uid"]
        unmapped["event_hash"] = attestation["fingerprint"]["value"]
        assert attestation["fingerprint"]["algorithm_id"] == 3
    if "ai_agent" in newer:
        agent = newer.pop("ai_agent")
        profiles.remove("ai_operation")
        assert agent.pop("uid") == newer["actor"]["app_uid"]
        if agent:
            unmapped["context_id"] = agent["instance_uid"]
    if "updated_entity" in newer:
        newer["entity_result"] = newer.pop("updated_entity")
    assert {**newer, "unmapped": unmapped} == {"unmapped": {}, **older}


def test_1_9_attests_the_journals_line_and_knows_agents() -> None:
    event = decided(make_stamp(), caller_type="a2a", client_id="planner", context_id="talk-1", **CHAIN)
    result = orjson.loads(ocsf_1_9(entry_of(event)))
    (attestation,) = result["attestation_list"]
    assert attestation["chain_uid"] == CHAIN["chain_id"]
    assert attestation["fingerprint"]["value"] == CHAIN["event_hash"]
    assert attestation["fingerprint"]["serialization_id"] == 99
    assert result["unmapped"]["prev_hash"] == CHAIN["prev_hash"]
    assert result["ai_agent"] == {"uid": "planner", "instance_uid": "talk-1"}
    assert result["metadata"]["profiles"] == [
        "datetime",
        "security_control",
        "trace",
        "record_integrity",
        "ai_operation",
    ]
    people = orjson.loads(ocsf_1_9(entry_of(decided(make_stamp(), client_id="desk"))))
    assert "ai_agent" not in people


def test_the_lack_of_what_a_class_demands_is_no_event() -> None:
    with pytest.raises(ValueError, match="policy_source"):
        ocsf_object(
            b'{"@timestamp":"2026-01-31T08:00:00.000000Z","schema_version":"1.0","event_name":"policy.changed",'
            b'"event_id":"e","level":"info","message":"m","policy_version":"v"}'
        )
