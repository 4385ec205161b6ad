"""Fleet makes the same mapping of the package's fields as the component template has, and keeps dashboards to our data.

By what Kibana 9 does with a field of each type (`fleet/server/services/epm/elasticsearch/template`), written anew here:
it knows sub-fields of some types only, and leaves out the others without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import orjson
import pytest
import yaml

from siem.packages.elastic.assets import FLEETS_DATA_VIEW, asset_files
from siem.packages.elastic.integration import integration_files
from siem.packages.elastic.names import DATASET, STREAM
from siem.packages.elastic.template import component_template
from siem.schema import keys

pytestmark = pytest.mark.requirement("E7")

LONGEST = 1024
"""Of a keyword or a wildcard that says nothing else."""
WITH_SUB_FIELDS = frozenset(("keyword", "text", "wildcard"))
SUB_FIELDS = frozenset(("keyword", "text", "match_only_text", "long", "double"))
OF_INDEX = frozenset(("ignore_malformed",))
"""Options that `logs@settings` sets for all fields of an index, Fleet's too; a data stream excepts its time."""

Field = Mapping[str, Any]


def fields() -> Iterator[Field]:
    folder = f"data_stream/{STREAM}/fields/"
    for name, content in integration_files().items():
        if name.startswith(folder):
            yield from cast("list[Field]", yaml.safe_load(content))


def of_fleet(field: Field) -> Field:
    """The mapping of one field."""
    kind = field["type"]
    mapped = {"type": kind, **{option: field[option] for option in ("index", "doc_values") if option in field}}
    if kind in {"keyword", "wildcard"}:
        mapped["ignore_above"] = field.get("ignore_above", LONGEST)
    if kind == "constant_keyword" and "value" in field:
        mapped["value"] = field["value"]
    below = {sub["name"]: sub for sub in field.get("multi_fields", ()) if sub["type"] in SUB_FIELDS}
    if kind in WITH_SUB_FIELDS and below:
        mapped["fields"] = {name: of_fleet({**sub, "multi_fields": ()}) for name, sub in below.items()}
    return mapped


def mapped(properties: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Field]]:
    """Each field of a mapping by its dotted name."""
    for name, field in properties.items():
        if "properties" in field:
            yield from mapped(field["properties"], f"{above}{name}.")
        else:
            yield f"{above}{name}", {option: value for option, value in field.items() if option not in OF_INDEX}


def test_both_ways_of_installing_give_one_mapping() -> None:
    ours = dict(mapped(component_template()["template"]["mappings"]["properties"]))
    fleets = {field["name"]: of_fleet(field) for field in fields()}
    assert keys().keys() < ours.keys() <= fleets.keys()
    for name, field in ours.items():
        if field.get("index") is not False and not name.startswith("data_stream."):
            assert fleets[name] == field, name


def test_every_field_of_the_sample_is_one_of_the_package() -> None:
    sample = orjson.loads(integration_files()[f"data_stream/{STREAM}/sample_event.json"])
    known = {field["name"] for field in fields()}
    assert {name for name in _paths(sample) if not name.startswith("agent.")} <= known


def test_a_dashboard_of_the_package_is_filtered_to_our_data() -> None:
    """The package specification refuses one without (SVR00002), and one that has a query only (SVR00001)."""
    dashboards = [content for name, content in asset_files().items() if name.startswith("kibana/dashboard/")]
    assert dashboards
    for content in dashboards:
        saved = orjson.loads(content)
        source = orjson.loads(saved["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
        (chosen,) = source["filter"]
        assert chosen["query"] == {"match_phrase": {"data_stream.dataset": DATASET}}
        assert source["query"]["query"] == ""
        names = {reference["name"]: reference["id"] for reference in saved["references"]}
        assert names[chosen["meta"]["indexRefName"]] == FLEETS_DATA_VIEW


def _paths(document: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _paths(cast("Mapping[str, Any]", value), f"{above}{name}.")
        else:
            yield f"{above}{name}"
