"""Kibana's saved objects name only what is there: each other, columns of their layers, keys of events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from siem.packages.elastic.assets import FLEETS_DATA_VIEW, asset_files
from siem.packages.elastic.dashboard import PANELS, dashboard, saved_objects
from siem.packages.elastic.lens import attributes, fields_of
from siem.packages.elastic.names import DATASET, INDEX_PATTERN, PACKAGE
from siem.packages.elastic.saved import DATA_VIEW, data_view, search_id, searches
from siem.packages.elastic.text import json_lines
from siem.proof import node
from siem.proof.matchers import kuery
from siem.proof.matchers.values import NotUnderstood
from siem.queries import Language, query
from siem.schema import keys
from siem.sources import rules
from tests.require import require_or_skip

pytestmark = pytest.mark.requirement("E7")

GRID_COLUMNS = 48
COUNTED = "___records___"


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = orjson.loads(dashboard()["attributes"]["panelsJSON"])
    return found


def test_every_object_is_a_line_with_what_an_import_needs() -> None:
    for line in json_lines(saved_objects()).splitlines():
        saved = orjson.loads(line)
        assert {
            "type",
            "id",
            "attributes",
            "references",
            "typeMigrationVersion",
            "coreMigrationVersion",
        } <= saved.keys()


def test_every_reference_leads_to_an_object_that_came_before() -> None:
    seen: set[tuple[str, str]] = set()
    for saved in saved_objects():
        for reference in saved["references"]:
            assert (reference["type"], reference["id"]) in seen
        identity = (saved["type"], saved["id"])
        assert identity not in seen
        seen.add(identity)


def test_the_data_view_reads_our_data_streams_by_time() -> None:
    assert data_view()["attributes"]["title"] == INDEX_PATTERN
    assert data_view()["attributes"]["timeFieldName"] == "@timestamp"


def test_there_is_a_search_for_each_rule_of_kibanas_language() -> None:
    found = {saved["id"]: saved for saved in searches()}
    for rule in rules():
        search = query(rule, Language.KUERY)
        if search is not None:
            saved = found.pop(search_id(rule.name))["attributes"]
            assert orjson.loads(saved["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]["query"] == search
            assert set(saved["columns"]) <= keys().keys()
            assert saved["sort"] == [["@timestamp", "desc"], ["seq", "desc"]], "many events have one millisecond"
    assert not found


def test_panels_stand_beside_each_other_within_the_grid() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        grid = panel["gridData"]
        cells = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not cells & taken, panel["panelIndex"]
        assert grid["x"] + grid["w"] <= GRID_COLUMNS
        assert grid["i"] == panel["panelIndex"]
        taken |= cells


def test_panels_and_references_of_the_dashboard_fit() -> None:
    names = {reference["name"]: reference for reference in dashboard()["references"]}
    for panel in panels():
        if panel["type"] == "search":
            assert names.pop(f"{panel['panelIndex']}:{panel['panelRefName']}")["type"] == "search"
            continue
        for reference in panel["embeddableConfig"]["attributes"]["references"]:
            assert names.pop(f"{panel['panelIndex']}:{reference['name']}")["id"] == reference["id"] == DATA_VIEW
    assert not names


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.name)
def test_a_panel_shows_columns_of_its_layer_over_keys_of_events(panel: Any) -> None:
    state = attributes(panel)["state"]
    ((layer_id, layer),) = state["datasourceStates"]["formBased"]["layers"].items()
    assert layer["columnOrder"] == list(layer["columns"])
    assert attributes(panel)["references"][0]["name"] == f"indexpattern-datasource-layer-{layer_id}"
    for column in layer["columns"].values():
        assert column["sourceField"] in {*keys(), COUNTED}
        if column["operationType"] == "terms":
            assert column["params"]["orderBy"]["columnId"] in layer["columns"]
    assert set(_shown(state["visualization"], layer_id)) == set(layer["columns"])
    assert set(fields_of(panel.shown)) <= keys().keys()


@pytest.mark.node
def test_kibana_reads_all_searches_of_panels() -> None:
    require_or_skip(node.installed(), "the packages of tests/siem/node are not installed")
    for panel, made in zip(PANELS, kuery.to_dsl([panel.search for panel in PANELS]), strict=True):
        assert not isinstance(made, NotUnderstood), (panel.name, made)


def _shown(visualization: Mapping[str, Any], layer_id: str) -> list[str]:
    """The columns that a visualization names."""
    if "columns" in visualization:
        assert visualization["layerId"] == layer_id
        return [column["columnId"] for column in visualization["columns"]]
    if "metricAccessor" in visualization:
        assert visualization["layerId"] == layer_id
        return [visualization["metricAccessor"]]
    (layer,) = visualization["layers"]
    assert layer["layerId"] == layer_id
    return [layer["xAccessor"], layer["splitAccessor"], *layer["accessors"]]


def test_the_packages_assets_are_the_same_objects_over_fleets_data_view() -> None:
    assets = {name: orjson.loads(content) for name, content in asset_files().items()}
    identities = {(asset["type"], asset["id"]) for asset in assets.values()}
    assert len(assets) == len(saved_objects()) - 1, "all but the data view"
    for name, asset in assets.items():
        assert name == f"kibana/{asset['type']}/{asset['id']}.json"
        assert asset["id"].startswith(f"{PACKAGE}-")
        source = orjson.loads(asset["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
        assert source["filter"][0]["query"] == {"match_phrase": {"data_stream.dataset": DATASET}}
        for reference in asset["references"]:
            known = {("index-pattern", FLEETS_DATA_VIEW), *identities}
            assert (reference["type"], reference["id"]) in known
        assert DATA_VIEW not in orjson.dumps(asset).decode()
