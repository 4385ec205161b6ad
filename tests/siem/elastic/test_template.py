"""The mapping has a place for every key of every event, and the template wins over the stack's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest
import yaml

from siem.packages.elastic.fields import ECS_FIELDS, SHARED_WITH_ECS, flat_fields
from siem.packages.elastic.names import COMPONENT, INDEX_PATTERN, PACKAGE, STREAM
from siem.packages.elastic.pipeline import MOVES
from siem.packages.elastic.template import FIELD_LIMIT, component_template, index_template
from siem.places import SAMPLES
from siem.schema import Kind, keys

pytestmark = pytest.mark.requirement("E7")

TYPES = {
    Kind.TEXT: "keyword",
    Kind.TEXTS: "keyword",
    Kind.ADDRESS: "ip",
    Kind.MOMENT: "date",
    Kind.WHOLE: "long",
    Kind.NUMBER: "double",
    Kind.TRUTH: "boolean",
}
LONGEST_TEXTS = {"arguments_preview": 2000}
"""By `schemas/v1`; no other key may have more than 1024 characters."""

Properties = Mapping[str, Mapping[str, Any]]


def properties() -> Properties:
    return cast("Properties", component_template()["template"]["mappings"]["properties"])


def test_every_key_of_every_event_is_mapped_by_its_type() -> None:
    mapped = properties()
    for name, key in keys().items():
        wanted = "match_only_text" if name == "message" else TYPES[key.kind]
        assert mapped[name]["type"] == wanted, name


def test_the_time_is_one_that_detection_rules_can_page_over() -> None:
    """Of `date_nanos` they fail beyond a hundred events, until a Kibana of August 2026 (elastic/kibana#281834)."""
    assert properties()["@timestamp"] == {"type": "date", "ignore_malformed": False}


def test_an_exact_value_is_found_for_every_text_but_the_sentence_of_the_event() -> None:
    for name, key in keys().items():
        if key.kind in {Kind.TEXT, Kind.TEXTS} and name != "message":
            field = flat_fields()[name]
            assert field["type"] == "keyword"
            assert field["ignore_above"] >= LONGEST_TEXTS.get(name, 1024), name


def test_what_is_no_address_is_kept_and_found_as_text() -> None:
    assert properties()["src_ip"]["ignore_malformed"] is True
    assert ("src_ip", "client.address") in MOVES
    assert ECS_FIELDS["client.address"]["type"] == "keyword"


def test_no_key_of_ours_is_an_object_of_ecs() -> None:
    objects = {name.partition(".")[0] for name in ECS_FIELDS if "." in name}
    assert not objects & keys().keys()
    assert keys().keys() >= SHARED_WITH_ECS


def test_a_key_and_its_ecs_field_are_of_one_type() -> None:
    for key, field in MOVES:
        if key != "src_ip":
            assert {"wildcard": "keyword"}.get(ECS_FIELDS[field]["type"], ECS_FIELDS[field]["type"]) == (
                flat_fields()[key]["type"]
            ), key


def test_there_is_room_for_what_agents_and_later_versions_add() -> None:
    assert 2 * sum(1 for _ in _leaves(properties())) < FIELD_LIMIT
    settings = component_template()["template"]["settings"]["index"]["mapping"]
    assert settings["total_fields"] == {"limit": FIELD_LIMIT, "ignore_dynamic_beyond_limit": True}
    assert component_template()["template"]["mappings"]["dynamic"] is True


def test_the_document_is_stored_as_it_came_and_not_put_together_from_fields() -> None:
    assert component_template()["template"]["settings"]["index"]["mapping"]["source"] == {"mode": "stored"}
    manifest = yaml.safe_load(
        (SAMPLES / "elastic" / PACKAGE / "data_stream" / STREAM / "manifest.yml").read_text("utf-8")
    )
    of_package = manifest["elasticsearch"]["index_template"]["settings"]["index"]["mapping"]
    assert of_package == component_template()["template"]["settings"]["index"]["mapping"]


def test_the_template_makes_data_streams_and_wins_over_the_stacks_own() -> None:
    template = index_template()
    assert template["index_patterns"] == [INDEX_PATTERN]
    assert template["data_stream"] == {}
    assert 100 < template["priority"] < 500, "100 is logs@template's; 500 and more Elastic leaves to operators"
    parts = template["composed_of"]
    assert parts.index("logs@settings") < parts.index(COMPONENT), "later parts win"
    assert set(template["ignore_missing_component_templates"]) < set(parts)


def _leaves(fields: Properties) -> Iterator[str]:
    for name, field in fields.items():
        yield name
        yield from _leaves(cast("Properties", field.get("properties", {})))
        yield from field.get("fields", {})
