"""Every event of every kind goes through what we ship and through the engines at hand, and stays what it was."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
import yaml
from psycopg.rows import dict_row
from vrl_python import VRLRuntime

from gatetrail_sinks.postgres.migrate import migrate
from siem.places import CORPUS, EVERY_KIND, SAMPLES
from siem.proof.engines.journal import Journal
from siem.proof.grammars import eql
from siem.schema import Kind, keys

pytestmark = [pytest.mark.requirement("E7")]

RECORDS = {"every kind": EVERY_KIND, "the corpus": CORPUS}
PROGRAMS = [
    (path.name, name)
    for path in sorted((SAMPLES / "shippers" / "vector").glob("*.yaml"))
    for name, transform in yaml.safe_load(path.read_text("utf-8"))["transforms"].items()
    if transform["type"] == "remap"
]
LEVELS = {"status", "severity", "level", "syslog.severity", "log.level", "log_level", "loglevel", "priority"}
"""What Datadog, Elastic and Splunk's models read as a level: Datadog's status remapper, ECS, CIM."""
OTHER_MEANINGS = {
    "Datadog": """host hostname service source ddsource ddtags date timestamp _timestamp Timestamp eventTime
        published_date msg log""",
    "Splunk": """host source sourcetype index event fields time punct linecount splunk_server timestamp event_type
        eventtype tag""",
    "Elastic": """agent client cloud container created data_stream destination device ecs email entity error event faas
        file gen_ai group host http ingested labels location log network observer orchestrator organization package
        process registry related rule server service source span tags threat tls trace transaction url user user_agent
        vulnerability""",
}
"""Attributes, fields of every event and objects of a schema that would be overwritten, or would be of two types."""
DATADOG_STATUSES = {"emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "ok", "fatal", "trace"}
VIEWS = {
    "identity_refusals": {"identity.refused"},
    "policy_changes": {"policy.changed", "policy.rejected"},
    "heartbeats": {"audit.heartbeat"},
    "audit_incidents": {"audit.gap", "audit.sink_failed", "audit.sink_recovered", "execution.orphaned"},
    "trace_steps": keys()["trace_id"].events,
}
"""Those that show events, each with its position."""


@cache
def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


@pytest.fixture(params=RECORDS)
def record(request: pytest.FixtureRequest) -> list[str]:
    return lines(RECORDS[request.param])


def test_every_kind_is_there_with_every_key() -> None:
    events = [orjson.loads(line) for line in lines(EVERY_KIND)]
    assert {event["event_name"] for event in events} == set(keys()["event_name"].words)
    assert {key for event in events for key in event} == set(keys())


# --- Vector's transforms, by Vector's own language ---


def vector_input(program: str, line: str) -> dict[str, Any]:
    """What the source before it would give (Vector's reference: file, fluent and syslog sources)."""
    around = {"host": "gate-1", "source_type": "x", "timestamp": "2026-01-01T00:00:00Z"}
    match program:
        case "event":
            return {**around, "file": "/var/log/gatetrail/audit.jsonl", "message": line}
        case "from_forward":
            return {**around, "tag": "gatetrail.audit", **orjson.loads(line)}
        case "from_syslog":
            header = {
                "appname": "gatetrail",
                "facility": "logaudit",
                "severity": "info",
                "hostname": "gate-1",
                "version": 1,
            }
            return {**around, **header, "source_ip": "192.0.2.9", "message": line}
        case _:
            raise AssertionError(f"nobody has said what comes into {program}")


@pytest.mark.parametrize(("file", "name"), PROGRAMS)
def test_vector_changes_nothing(file: str, name: str, record: list[str]) -> None:
    program = yaml.safe_load((SAMPLES / "shippers" / "vector" / file).read_text("utf-8"))["transforms"][name]["source"]
    runtime = VRLRuntime()
    for line in record:
        event = orjson.loads(line)
        given = runtime.execute(program, vector_input(name, line)).processed_event
        assert exactly(given) == exactly(event)


@pytest.mark.parametrize("line", ['{"@timestamp": "2026-01-01T00', "[]", '{"seq": 1}', '{"@timestamp": "yesterday"}'])
def test_vector_drops_what_is_no_event_into_its_own_file(line: str) -> None:
    content = yaml.safe_load((SAMPLES / "shippers" / "vector" / "follow.yaml").read_text("utf-8"))
    transform = content["transforms"]["event"]
    with pytest.raises(RuntimeError):
        VRLRuntime().execute(transform["source"], vector_input("event", line))
    assert transform["drop_on_error"]
    assert transform["reroute_dropped"]
    assert any(sink["inputs"] == ["event.dropped"] for sink in content["sinks"].values())


def exactly(event: Mapping[str, Any]) -> str:
    """As JSON, so that 1, 1.0 and true are three things."""
    return json.dumps(event, sort_keys=True)


# --- What products read into names ---


def test_level_is_the_only_key_that_is_read_as_a_level() -> None:
    assert {key for key in keys() if key in LEVELS} == {"level"}


@pytest.mark.parametrize("product", OTHER_MEANINGS)
def test_no_key_means_something_else_to_a_product(product: str) -> None:
    assert not keys().keys() & set(OTHER_MEANINGS[product].split())


def test_no_key_is_a_path_and_none_differs_from_another_in_case_only() -> None:
    assert not [key for key in keys() if "." in key]
    assert len({key.lower() for key in keys()}) == len(keys())


def test_datadog_knows_every_level() -> None:
    """It goes by how a word begins: `err…`, `warn…`, `crit…`."""
    assert [word for word in keys()["level"].words if not any(word.startswith(one) for one in DATADOG_STATUSES)] == []


def test_no_line_is_longer_than_splunk_reads(record: list[str]) -> None:
    assert max(len(line.encode()) for line in record) < 4500


# --- PostgreSQL: the product's own tables and views ---


@pytest.fixture
def tables(dsn: str, record: list[str]) -> Iterator[psycopg.Cursor[dict[str, Any]]]:
    asyncio.run(migrate(dsn))
    with psycopg.connect(dsn, autocommit=True) as connection:
        Journal(connection).turn_to([orjson.loads(line) for line in record])
        yield connection.cursor(row_factory=dict_row)


@pytest.mark.postgres
def test_tables_and_views_hold_what_the_line_says(tables: psycopg.Cursor[dict[str, Any]], record: list[str]) -> None:
    stored = tables.execute("SELECT *, body::text AS line FROM audit_events ORDER BY seq").fetchall()
    assert [row["line"] for row in stored] == sorted(record, key=lambda line: int(orjson.loads(line)["seq"]))
    by_seq = {row["seq"]: row["body"] for row in stored}
    for row in stored:
        same_as(row, row["body"])
    for view, names in VIEWS.items():
        rows = tables.execute(f"SELECT * FROM {view}".encode()).fetchall()
        wanted = {seq for seq, body in by_seq.items() if body["event_name"] in names and is_in(view, body)}
        assert {row["seq"] for row in rows} == wanted, view
        for row in rows:
            same_as(row, by_seq[row["seq"]])
    decided = {body["execution_id"]: body for body in by_seq.values() if body["event_name"] == "tool_call.decided"}
    calls = tables.execute("SELECT * FROM mcp_tool_executions").fetchall()
    assert {str(row["execution_id"]) for row in calls} == set(decided)
    for row in calls:
        outcome = {"latency_ms", "error_class"}
        same_as({key: value for key, value in row.items() if key not in outcome}, decided[str(row["execution_id"])])


def is_in(view: str, body: Mapping[str, Any]) -> bool:
    return view != "trace_steps" or "trace_id" in body


def same_as(row: Mapping[str, Any], body: Mapping[str, Any]) -> None:
    """Each column that is named as a key says what the key says, in its type; ids may be UUIDs."""
    for key in row.keys() & keys().keys():
        value, said = row[key], body.get(key)
        if keys()[key].kind in {Kind.TEXT, Kind.ADDRESS} and value is not None:
            value = str(value)
        assert value == said, f"{key} of {body['event_name']}"
        assert isinstance(value, bool) == isinstance(said, bool), key


# --- EQL ---


def test_every_event_is_read_by_eql(record: list[str]) -> None:
    events = [orjson.loads(line) for line in record]
    assert run("any where true", events) == {event["event_id"] for event in events}


@pytest.mark.parametrize("number", range(len(keys()["event_name"].words)))
def test_eql_sees_each_key_in_its_type(number: int) -> None:
    events = [orjson.loads(line) for line in lines(EVERY_KIND)]
    event = events[number]
    said = [
        f"{key} == {json.dumps(value, ensure_ascii=False)}" for key, value in event.items() if comparable(key, value)
    ]
    there = [f"{key} != null" for key, value in event.items() if isinstance(value, list) and value]
    text = f"any where {' and '.join([*said, *there])}"
    assert eql.read(text).problems == ()
    assert run(text, events) == {event["event_id"]}


def run(text: str, events: Sequence[Mapping[str, Any]]) -> set[str]:
    """With the events as they are; `siem.proof.engines.eql` folds their letters, so that groups tell them apart."""
    package = eql.eql
    engine, found = package.PythonEngine(), list[Any]()
    with package.parser.elasticsearch_syntax:
        engine.add_query(package.parse_query(text))
    engine.add_output_hook(found.append)
    rows = [package.Event(package.schema.EVENT_TYPE_GENERIC, number, event) for number, event in enumerate(events)]
    engine.stream_events(rows, finalize=True)
    return {one.events[-1].data["event_id"] for one in found}


def comparable(key: str, value: Any) -> bool:
    """EQL's names hold no `@`."""
    return key.isidentifier() and not isinstance(value, list)
