"""The log pipeline over one event of every kind, run by our reading of Datadog's processors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
import yaml

from gatetrail.formats.keys import read
from gatetrail.formats.outcomes import outcome_of
from siem.packages.datadog.detections import detection_rules
from siem.packages.datadog.facets import NUMBERS, TEXTS, facets
from siem.packages.datadog.pipeline import REMAPPED, pipeline
from siem.packages.datadog.processors import (
    DATE_KEYS,
    RESERVED_KEYS,
    STATUS_KEYS,
    processed,
    received,
    status_of,
    value_at,
)
from siem.places import EVERY_KIND, SAMPLES
from siem.schema import Kind, keys

pytestmark = pytest.mark.requirement("E7")

LINES = EVERY_KIND.read_bytes().splitlines()
EVENTS: list[dict[str, Any]] = [orjson.loads(line) for line in LINES]
FROM_TABLES = ("http.useragent_details", "network.client.geoip")
"""What Datadog finds in tables of its own."""

LEVELS = {"info": "info", "notice": "notice", "warning": "warn", "error": "error", "critical": "critical"}

every_kind = pytest.mark.parametrize("event", EVENTS, ids=[event["event_name"] for event in EVENTS])


@every_kind
def test_no_key_is_lost_or_retyped(event: dict[str, Any]) -> None:
    log = processed(pipeline(), event)
    kept = {key: log.attributes[key] for key in event if key != "message"} | {"message": log.message}
    assert orjson.dumps(kept, option=orjson.OPT_SORT_KEYS) == orjson.dumps(event, option=orjson.OPT_SORT_KEYS)


@every_kind
def test_log_level_is_that_of_level_alone(event: dict[str, Any]) -> None:
    wanted = LEVELS[event["level"]]
    assert (received(event).status, processed(pipeline(), event).status) == (wanted, wanted)


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_reads_as_itself_by_its_first_letters(level: str) -> None:
    assert status_of(level) == LEVELS[level]


def test_levels_are_those_of_the_schema() -> None:
    assert set(LEVELS) == keys()["level"].words


def test_no_key_is_one_that_datadog_takes_for_something_else() -> None:
    assert {*STATUS_KEYS, *DATE_KEYS, *RESERVED_KEYS} & set(keys()) == {"level", "@timestamp"}


def test_what_is_added_stands_beside_our_keys() -> None:
    targets = {str(found["target"]) for found in pipeline()["processors"] if "target" in found}
    assert not {target.partition(".")[0] for target in targets} & set(keys())


@every_kind
def test_date_is_that_of_the_event_and_the_trace_its_trace(event: dict[str, Any]) -> None:
    log = processed(pipeline(), event)
    seconds, _, micros = event["@timestamp"].removesuffix("Z").partition(".")
    assert log.timestamp_ms % 1000 == int(micros) // 1000
    assert log.timestamp_ms == received({"@timestamp": f"{seconds}Z"}).timestamp_ms + int(micros) // 1000
    assert log.trace_id == event.get("trace_id")


@every_kind
def test_standard_attributes_say_what_our_keys_say(event: dict[str, Any]) -> None:
    attributes = processed(pipeline(), event).attributes
    assert {theirs: value_at(attributes, theirs) for theirs in REMAPPED.values()} == {
        theirs: event.get(ours) for ours, theirs in REMAPPED.items()
    }
    latency_ms = event.get("latency_ms")
    assert attributes.get("duration") == (None if latency_ms is None else latency_ms * 1_000_000)


@every_kind
def test_outcome_is_the_one_that_our_own_formats_give(event: dict[str, Any]) -> None:
    outcome = outcome_of(read(orjson.dumps(event)))
    assert value_at(processed(pipeline(), event).attributes, "evt.outcome") == outcome.value


@pytest.mark.parametrize("status", sorted(keys()["execution_status"].words))
def test_outcome_of_a_call_is_that_of_its_status(status: str) -> None:
    event = {"event_name": "tool_call.decided", "execution_status": status, "schema_version": "1.0"}
    found = value_at(processed(pipeline(), event).attributes, "evt.outcome")
    assert found == outcome_of(read(orjson.dumps(event))).value


def test_pipeline_tests_have_one_sample_for_each_kind_of_event() -> None:
    written = _yaml("gatetrail_tests.yaml")["tests"]
    assert [test["sample"].encode() for test in written] == LINES
    assert {orjson.loads(test["sample"])["event_name"] for test in written} == keys()["event_name"].words
    assert all(value_at(test["result"]["custom"], path) is None for test in written for path in FROM_TABLES)


def test_integration_has_the_pipeline_and_facets_of_the_schema() -> None:
    written = _yaml("gatetrail.yaml")
    assert [step["type"] for step in written["pipeline"]["processors"]] == [
        step["type"] for step in pipeline()["processors"]
    ]
    assert all("is_enabled" not in step and step["enabled"] for step in written["pipeline"]["processors"])
    assert {*TEXTS, *NUMBERS} <= set(keys())
    whole = {facet["path"] for facet in facets() if facet["type"] == "integer"}
    assert whole == {key for key in NUMBERS if keys()[key].kind is Kind.WHOLE}


def test_places_are_found_for_the_rule_that_asks_for_them() -> None:
    (travel,) = detection_rules()["impossible_travel"]["queries"]
    wanted = {str(path).removeprefix("@") for path in (travel.get("metric"), *travel.get("metrics", ())) if path}
    assert wanted <= {step.get("target") for step in pipeline()["processors"]}


def test_agent_gives_events_the_source_that_searches_begin_with() -> None:
    (followed,) = yaml.safe_load((SAMPLES / "datadog/agent/conf.yaml").read_text("utf-8"))["logs"]
    assert f"source:{followed['source']}" == pipeline()["filter"]["query"]


def test_pipeline_is_within_what_datadog_recommends() -> None:
    assert len(pipeline()["processors"]) <= 20


def _yaml(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load((SAMPLES / "datadog/assets/logs" / name).read_text("utf-8"))
    return found
