"""The ingest pipeline puts ECS beside the keys of an event, the same as the product's own format, and loses nothing.

Elasticsearch does not run here: `siem.proof.ingest` is our reading of its processors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson
import pytest
from hypothesis import given, settings

from gatetrail.events.fields import Record
from gatetrail.formats.ecs import NAMESPACE, ecs_object
from gatetrail.formats.kinds import KINDS
from gatetrail.words import Level
from siem.golden import corpus
from siem.packages.elastic.fields import ECS_FIELDS, SHARED_WITH_ECS
from siem.packages.elastic.names import DATASET
from siem.packages.elastic.pipeline import MOVES, package_pipeline, pipeline
from siem.packages.elastic.pipeline_tests import BROKEN, KEEP, after_pipeline, corpus_cut
from siem.places import EVERY_KIND
from siem.proof.ingest.document import Document, Failed, NotKnown
from siem.proof.ingest.processors import run
from siem.schema import keys
from tests.formats.making import any_events, entry_of

pytestmark = pytest.mark.requirement("E7")

READ_BY_AGENT = "2026-11-23T12:00:00.000Z"

Event = Mapping[str, Any]


def every_kind() -> Sequence[Event]:
    return [orjson.loads(line) for line in EVERY_KIND.read_bytes().splitlines()]


def ecs_of_product(line: bytes) -> dict[str, Any]:
    """What the sinks' format `ecs` gives, without what ECS has no field for."""
    document = orjson.loads(orjson.dumps(ecs_object(line)))
    del document[NAMESPACE]
    return cast("dict[str, Any]", document)


def beside(document: Event, event: Event) -> dict[str, Any]:
    """What the pipeline added, and what both name alike."""
    return {key: value for key, value in document.items() if key not in event or key in SHARED_WITH_ECS}


def assert_kept_and_mapped(event: Event, line: bytes, document: Event) -> None:
    for key, value in event.items():
        assert document[key] == value
        assert type(document[key]) is type(value), key
    assert beside(document, event) == ecs_of_product(line)


@given(event=any_events())
@settings(max_examples=300)
def test_any_event_keeps_its_keys_and_has_the_products_own_ecs_beside_them(event: Record) -> None:
    line = entry_of(event).line
    keyed = orjson.loads(line)
    assert_kept_and_mapped(keyed, line, after_pipeline(keyed).source)


@given(event=any_events())
@settings(max_examples=100)
def test_a_line_that_comes_as_text_gives_the_same_document(event: Record) -> None:
    line = entry_of(event).line
    brought = {"@timestamp": READ_BY_AGENT, "message": line.decode(), "log": {"offset": 7}}
    document = after_pipeline(brought).source
    assert document["log"].pop("offset") == 7
    assert_kept_and_mapped(orjson.loads(line), line, document)


def test_every_kind_of_event_is_there_and_mapped() -> None:
    events = every_kind()
    assert {event["event_name"] for event in events} == set(KINDS)
    for event in events:
        assert_kept_and_mapped(event, orjson.dumps(event), after_pipeline(event).source)


def test_the_whole_corpus_is_mapped_both_ways_in() -> None:
    for event in corpus():
        line = orjson.dumps(event)
        for brought in (event, {"@timestamp": READ_BY_AGENT, "message": line.decode()}):
            document = after_pipeline(brought)
            assert_kept_and_mapped(event, line, document.source)
            assert document.metadata["_id"] == event["event_id"]


def test_nothing_but_the_level_is_read_as_a_level() -> None:
    for event in every_kind():
        document = after_pipeline(event).source
        assert document["log"] == {"level": event["level"]}
        assert document["log"]["level"] in set(Level)
        assert not {"status", "severity", "syslog"} & document.keys()


def test_every_field_that_is_added_is_one_that_the_template_types() -> None:
    known = set(ECS_FIELDS) | SHARED_WITH_ECS
    for event in every_kind():
        assert set(_paths(beside(after_pipeline(event).source, event))) <= known


def test_moves_name_keys_of_the_schema_and_fields_of_ecs() -> None:
    assert {key for key, _ in MOVES} <= keys().keys()
    assert {field for _, field in MOVES} <= ECS_FIELDS.keys()


def test_the_same_event_has_the_same_document_id_each_time() -> None:
    event = every_kind()[0]
    assert after_pipeline(event).metadata == after_pipeline(event).metadata == {"_id": event["event_id"]}


def test_the_line_is_kept_only_where_a_tag_asks_for_it() -> None:
    line = orjson.dumps(every_kind()[0]).decode()
    kept = after_pipeline({"message": line, "tags": [KEEP]}).source
    assert kept["event"]["original"] == line
    assert "original" not in after_pipeline({"message": line, "tags": ["other"]}).source["event"]


@pytest.mark.parametrize("brought", BROKEN)
def test_what_cannot_be_read_is_kept_and_says_what_went_wrong(brought: Event) -> None:
    document = after_pipeline(brought).source
    assert document["event"]["kind"] == "pipeline_error"
    assert document["event"]["dataset"] == DATASET, "or the mapping refuses it"
    assert len(document["error"]["message"]) == 1
    assert " in pipeline " in document["error"]["message"][0]
    assert " failed: " in document["error"]["message"][0]
    told = document["event"].get("original", document.get("message"))
    assert told == brought.get("message")
    for key in brought.keys() - {"message", "event"}:
        assert document[key] == brought[key]
    assert document.keys() <= brought.keys() | {"event", "error", "tags"}, (
        "keys of others may be objects to our mapping"
    )


def test_a_broken_line_without_a_time_gets_one() -> None:
    """A data stream refuses a document without @timestamp, and with it the line."""
    assert after_pipeline({"message": "{"}).source["@timestamp"] == READ_BY_AGENT


def test_a_hashed_address_stays_and_is_no_ip() -> None:
    event = {**every_kind()[0], "src_ip": "sha256:0011"}
    document = after_pipeline(event).source
    assert document["src_ip"] == "sha256:0011"
    assert document["client"] == document["source"] == {"address": "sha256:0011"}
    assert "ip" not in document.get("related", {})


def test_an_event_that_a_later_version_adds_is_kept_without_a_category() -> None:
    event = {**every_kind()[0], "event_name": "weather.changed", "schema_version": "1.9", "wind_ms": 3.5}
    document = after_pipeline(event).source
    assert document["event"]["action"] == "weather.changed"
    assert document["event"]["outcome"] == "unknown"
    assert document["event"]["kind"] == "event"
    assert "category" not in document["event"]
    assert document["wind_ms"] == 3.5


def test_the_pipeline_for_the_api_adds_the_time_of_arrival_only() -> None:
    event = every_kind()[0]
    with_fleet = after_pipeline(event).source
    alone = after_pipeline(event, pipeline()).source
    assert alone["event"].pop("ingested") == READ_BY_AGENT
    assert alone == with_fleet


def test_each_processor_makes_a_difference_to_some_event() -> None:
    """So that none of them could be wrong unseen. What `geoip` finds is up to a database that is not here."""
    lines = [{"message": orjson.dumps(event).decode(), "@timestamp": READ_BY_AGENT} for event in every_kind()[:2]]
    by_agent = [{**event, "caller_type": "a2a"} for event in every_kind() if event["event_name"] == "tool_call.decided"]
    brought = [*every_kind(), *lines, *by_agent, *corpus_cut(), *BROKEN]
    whole = package_pipeline()
    made = [_told(event, whole) for event in brought]
    assert all(source is not None for source, _ in made)
    for index, processor in enumerate(whole["processors"]):
        less = {**whole, "processors": whole["processors"][:index] + whole["processors"][index + 1 :]}
        changed = any(_told(event, less) != told for event, told in zip(brought, made, strict=True))
        assert changed or "geoip" in processor, processor


@pytest.mark.parametrize(
    "processor",
    [
        {"grok": {"field": "message"}},
        {"set": {"field": "a", "value": 1, "media_type": "text/plain"}},
        {"set": {"field": "a", "value": 1, "if": "ctx.a =~ /b/"}},
        {"set": {"field": "a", "value": "{{#b}}c{{/b}}"}},
        {"script": {"lang": "painless", "source": "ctx.a = ctx.b.substring(1);"}},
        {"script": {"lang": "painless", "source": "for (x in ctx.b) { ctx.a = x; }"}},
        {"convert": {"field": "b", "target_field": "a", "type": "long"}},
        {"set": {"field": "a", "copy_from": "list.0"}},
        {"append": {"field": "a", "value": ["one", "two"]}},
        {"json": {"field": "b", "add_to_root": True}},
    ],
)
def test_our_reading_refuses_what_it_does_not_know(processor: Mapping[str, Any]) -> None:
    with pytest.raises(NotKnown):
        run({"processors": [processor]}, Document({"b": "text", "list": ["one"]}))


def test_our_reading_fails_where_painless_would_throw() -> None:
    with pytest.raises(Failed, match="of null"):
        run({"processors": [{"set": {"field": "a", "value": 1, "if": "ctx.b.c == 1"}}]}, Document({}))
    with pytest.raises(Failed, match="no boolean"):
        run({"processors": [{"set": {"field": "a", "value": 1, "if": "ctx.b || ctx.b == null"}}]}, Document({}))


def test_a_condition_that_throws_is_not_ignored_with_the_failure_of_its_processor() -> None:
    """Elasticsearch wraps the processor in its `ignore_failure`, and both in the condition."""
    failing = {"set": {"field": "a", "copy_from": "b", "ignore_failure": True}}
    run({"processors": [failing]}, Document({}))
    with pytest.raises(Failed, match="of null"):
        run({"processors": [{"set": {**failing["set"], "if": "ctx.b.c == 1"}}]}, Document({}))


def test_a_processor_with_a_condition_is_told_of_as_its_condition() -> None:
    handlers = [{"set": {"field": "told", "value": "{{{_ingest.on_failure_processor_type}}}"}}]
    for condition, told in (({}, "fail"), ({"if": "ctx.b == null"}, "conditional")):
        document = Document({})
        run({"processors": [{"fail": {"message": "no", **condition}}], "on_failure": handlers}, document)
        assert document.source["told"] == told


def test_a_handler_that_fails_has_the_document_refused() -> None:
    failing = {"fail": {"message": "no"}}
    with pytest.raises(Failed):
        run({"processors": [failing], "on_failure": [failing]}, Document({}))


def test_a_rename_that_fails_leaves_the_field_where_it_was() -> None:
    document = Document({"message": "text", "event": "text"})
    with pytest.raises(Failed):
        run({"processors": [{"rename": {"field": "message", "target_field": "event.original"}}]}, document)
    assert document.source == {"message": "text", "event": "text"}


def _told(event: Event, by: Mapping[str, Any]) -> tuple[Any, Any]:
    try:
        document = after_pipeline(event, by)
    except Failed as refused:
        return None, str(refused)
    return document.source, document.metadata


def _paths(document: Mapping[str, Any], above: str = "") -> Sequence[str]:
    found: list[str] = []
    for key, value in document.items():
        path = f"{above}{key}"
        found += _paths(cast("dict[str, Any]", value), f"{path}.") if isinstance(value, dict) else [path]
    return found
