"""The shipped schemas are those of the models, describe every key, only grow, and are kept by what is recorded."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from pydantic import SecretStr

from gatetrail import Call, CallDenied, Gatetrail, Ids
from gatetrail.events.fields import SCHEMA_VERSION
from gatetrail.events.wire import GENESIS_HASH, canonical, hash_of_line, parse
from gatetrail.identity.caller import Anonymous
from gatetrail.policy.load import parse_policy
from gatetrail.resources import schemas
from gatetrail.runtime.schema.kinds import event_kinds
from gatetrail.runtime.schema.shipped import drifted
from gatetrail.settings import load_settings
from gatetrail.testing import MemoryJournal
from tests.contract.frozen import NAMES, current, frozen
from tests.contract.growth import Direction, breaking_changes
from tests.samples import decided, make_stamp
from tests.schema_watch import CHECKED_IN_FULL, Validator, complaints, validator_of

POLICY = "servers: {finance: {tier: user, tools: {public: {tier: anonymous}}}}"

FORBIDDEN = {
    "Datadog takes it for the log's level, host or service": ("status", "severity", "host", "hostname", "service"),
    "a default field of Splunk, or a key of its HEC envelope": (
        *("source", "sourcetype", "index", "event", "fields", "time", "punct", "linecount", "splunk_server"),
    ),
    "Datadog takes it for the time, which is in @timestamp": (
        *("timestamp", "_timestamp", "Timestamp", "date", "eventTime", "published_date"),
    ),
    "pySigma's correlations overwrite it": ("event_type",),
    "an object of ECS": (
        *("user", "client", "server", "agent", "error", "rule", "process", "url", "http", "network", "file", "log"),
        *("trace", "span", "transaction", "user_agent", "device", "entity", "threat", "organization", "group"),
        *("package", "gen_ai", "labels"),
    ),
    "Elastic's default template gives it a type of its own": (
        *("created", "ingested", "location", "*_timestamp", "*_score"),
    ),
    "an attribute of Python's log records": ("name", "args", "module", "process", "thread", "msg"),
    "products downstream read it as a path": ("*.*",),
}
"""Names that a product downstream takes for its own, as patterns. `message` is one, too, and is meant: it is the text
that people read, and the file sink gives it to Python's logging in a way that does no harm."""


def shipped(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((schemas() / "v1" / name).read_text("utf-8"))
    return schema


@cache
def event_schemas() -> dict[str, dict[str, Any]]:
    return {name: shipped(f"events/{name}.schema.json") for name in event_kinds()}


@cache
def validators() -> dict[str, Validator]:
    return {
        name: validator_of(schema) for name, schema in [*event_schemas().items(), ("", shipped("event.schema.json"))]
    }


def test_the_shipped_schemas_are_those_of_the_models() -> None:
    assert drifted() == [], "`make schemas` writes them anew"


@pytest.mark.parametrize("name", event_kinds())
def test_every_event_has_a_schema_that_describes_each_of_its_keys(name: str) -> None:
    schema = event_schemas()[name]
    validator_of(schema)
    assert schema["title"] == name
    assert schema["description"]
    assert schema["$id"] == f"urn:gatetrail:schema:v1:events:{name}"
    assert not [key for key, told in schema["properties"].items() if not told.get("description")]


@pytest.mark.parametrize("name", event_kinds())
def test_the_examples_of_an_event_are_valid_by_its_schema_and_by_the_union_and_by_no_other(name: str) -> None:
    examples = event_schemas()[name]["examples"]
    assert examples
    assert not [*complaints(orjson.dumps(example) for example in examples)]
    for example in examples:
        assert {other for other, validator in validators().items() if validator.is_valid(example)} == {name, ""}


def test_the_examples_are_one_chain_and_show_every_key() -> None:
    hash_before, shown = GENESIS_HASH, set[str]()
    for seq, example in enumerate(shipped("event.schema.json")["examples"], 1):
        assert (example["seq"], example["prev_hash"]) == (seq, hash_before)
        hash_before = example["event_hash"]
        assert hash_of_line(canonical(example)) == hash_before
        shown |= {f"{example['event_name']} {key}" for key in example}
    keys = {f"{name} {key}" for name, schema in event_schemas().items() for key in schema["properties"]}
    without_calls = {key for key in keys - shown if key.startswith(("audit.", "policy."))}
    assert keys - shown - without_calls == set(), "give gatetrail.runtime.schema.examples a value for these"
    assert {key.split()[1] for key in without_calls} <= {
        *("trace_id", "span_id", "user_id", "session_id", "context_id", "client_id", "task_id"),
    }


def forbidden_keys(schema: dict[str, Any]) -> Iterator[str]:
    for key in schema["properties"]:
        for reason, patterns in FORBIDDEN.items():
            if any(fnmatchcase(key, pattern) for pattern in patterns):
                yield f"{schema['title']}.{key}: {reason}"


def test_no_event_has_a_key_that_a_siem_takes_for_its_own() -> None:
    assert not [complaint for schema in event_schemas().values() for complaint in forbidden_keys(schema)]


def test_no_key_holds_an_object_and_no_key_is_null() -> None:
    for name, schema in event_schemas().items():
        for key, told in schema["properties"].items():
            kind = told if "$ref" not in told else schema["$defs"][told["$ref"].rpartition("/")[2]]
            kinds = {one["type"] for one in kind.get("anyOf", [kind])}
            assert kinds <= {"string", "integer", "number", "array"}, (name, key)


@pytest.mark.requirement("E5")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("version", frozen())
def test_a_released_schema_only_grows(version: str, name: str) -> None:
    if version.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
        pytest.skip("another first number may take things away")
    direction = Direction.OUTPUT if name == "event.schema.json" else Direction.INPUT
    assert breaking_changes(frozen()[version][name], current()[name], direction) == []


def test_events_that_have_grown_have_a_new_version() -> None:
    known = frozen()
    assert SCHEMA_VERSION in known, "freeze it: python -m tests.contract.frozen"
    before, now = known[SCHEMA_VERSION]["event.schema.json"], current()["event.schema.json"]
    grown = [*breaking_changes(before, now, Direction.INPUT), *breaking_changes(now, before, Direction.OUTPUT)]
    assert grown == [], (
        "raise the second number of SCHEMA_VERSION and freeze it: python -m tests.contract.frozen. "
        "As long as the version is not released, --again writes it anew instead"
    )


@pytest.mark.parametrize("version", frozen())
def test_an_event_of_an_earlier_version_can_be_read(version: str) -> None:
    for example in frozen()[version]["event.schema.json"]["examples"]:
        assert parse(orjson.dumps(example)).event_name == example["event_name"]


@pytest.mark.anyio
async def test_an_event_that_does_not_keep_to_its_schema_is_named(journals_in_memory: list[MemoryJournal]) -> None:
    journal = MemoryJournal()
    await journal.append(decided(make_stamp()))
    (line,) = [entry.line for entry in await journal.read(0, 1)]
    event = orjson.loads(line)
    where = f"tool_call.decided {event['event_id']}"
    assert [*complaints([line])] == []
    assert journals_in_memory == [journal]
    for over, told in (
        ({"seq": "1"}, f"{where}: $.seq: '1' is not of type 'integer'"),
        ({"user_id": None}, f"{where}: $.user_id: None is not of type 'string'"),
        ({"status": "ok"}, f"{where}: $: Additional properties are not allowed ('status' was unexpected)"),
        (
            {"event_name": "tool_call.undone"},
            f"tool_call.undone {event['event_id']}: there is no schema for such an event",
        ),
    ):
        assert [*complaints([line] * CHECKED_IN_FULL * 2 + [orjson.dumps({**event, **over})])] == [told]
    without = {key: value for key, value in event.items() if key != "event_hash"}
    assert [*complaints([orjson.dumps(without)])] == [f"{where}: $: 'event_hash' is a dependency of 'seq'"]


@pytest.mark.anyio
@pytest.mark.postgres
@pytest.mark.requirement("E1", "E5", "E6", "F2")
async def test_what_a_process_records_from_opening_to_closing_keeps_to_the_schema(dsn: str, tmp_path: Path) -> None:
    settings = load_settings(
        None,
        data_dir=tmp_path / "data",
        jwt_secret=SecretStr(secrets.token_urlsafe(48)),
        sinks={"file": {"type": "file", "path": str(tmp_path / "events.jsonl")}},
    )
    async with Gatetrail.open(parse_policy(POLICY, "test"), dsn=dsn, settings=settings) as gate:
        async with gate.guard(Call("finance", "public", Ids(secrets.token_hex(16))), Anonymous()):
            pass
        with pytest.raises(CallDenied, match="requires tier user, caller has anonymous"):
            async with gate.guard(Call("finance", "private", Ids(secrets.token_hex(16))), Anonymous()):
                pytest.fail("a denied block ran")
        stored = await gate.journal.read(0, 100)
    schema = shipped("event.schema.json")
    for entry in stored:
        jsonschema.validate(orjson.loads(entry.line), schema)
    names = [entry.event_name for entry in stored]
    assert {"policy.changed", "audit.heartbeat", "tool_call.decided", "tool_call.completed"} == set(names)
    assert names.count("tool_call.decided") == 2
    lines = (tmp_path / "events.jsonl").read_bytes().splitlines()
    assert [entry.line for entry in stored] == lines[: len(stored)]
