"""Field extraction, library and monitors: every member is one that Sumo's API knows, every key one of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from siem.languages.sumo import EVERYTHING, alert
from siem.packages.sumo.extraction import KEYS, extraction_rule
from siem.packages.sumo.library import dashboard, library
from siem.packages.sumo.monitors import RANGES, monitors, window
from siem.places import EVERY_KIND, SAMPLES
from siem.proof.grammars.sumo import read
from siem.queries import Language, query
from siem.rule import TRACE_PLACEHOLDER, Rule
from siem.schema import keys
from siem.sources import rules, seconds

pytestmark = pytest.mark.requirement("E7")

FOLDER = ({"type", "name", "children"}, {"description"})
SEARCH = ({"type", "name", "description", "search"}, {"searchSchedule"})
SEARCH_BODY = (
    {"queryText", "defaultTimeRange", "byReceiptTime", "queryParameters"},
    {"viewName", "viewStartTime", "parsingMode"},
)
PARAMETER = ({"name", "label", "description", "dataType", "value", "autoComplete"}, set[str]())
DASHBOARD = (
    {"type", "name", "title"},
    {
        "description", "theme", "topologyLabelMap", "refreshInterval", "timeRange", "layout", "panels", "variables",
        "coloringRules",
    },
)  # fmt: skip
PANEL = (
    {"key", "panelType", "queries"},
    {
        "id", "title", "visualSettings", "keepVisualSettingsConsistentWithParent", "description", "timeRange",
        "coloringRules", "linkedDashboards",
    },
)  # fmt: skip
PANEL_QUERY = ({"queryString", "queryType", "queryKey"}, {"parseMode", "timeSource"})
MONITOR = (
    {"type", "name", "monitorType", "queries", "triggers"},
    {
        "description", "evaluationDelay", "notifications", "isDisabled", "groupNotifications",
        "notificationGroupFields", "playbook",
    },
)  # fmt: skip
TRIGGER = (
    {"triggerType", "timeRange", "threshold", "thresholdType"},
    {"detectionMethod", "resolutionWindow", "field"},
)
EXTRACTION = ({"name", "scope", "parseExpression"}, {"enabled"})
"""Members that must be there, and those that may be, as the models of Sumo's API (version 1.0.0) have them."""

ALARMS: list[Mapping[str, Any]] = monitors()["children"]
LONGEST_QUERY = 4000
"""Letters that a monitor's query may have: https://www.sumologic.com/help/docs/alerts/monitors/."""
MOST_GROUPS = 10
"""Fields by which a monitor may group: https://www.sumologic.com/help/docs/alerts/monitors/alert-grouping/."""
BY_TITLE = {f"Gatetrail: {rule.title}": rule for rule in rules()}


def test_collector_gives_events_the_category_that_searches_begin_with() -> None:
    (followed,) = orjson.loads((SAMPLES / "sumo/collector/sources.json").read_bytes())["sources"]
    assert f"_sourceCategory={followed['category']}" == EVERYTHING
    assert not followed["multilineProcessingEnabled"]


@pytest.mark.parametrize(
    "line", EVERY_KIND.read_text("utf-8").splitlines(), ids=lambda line: orjson.loads(line)["event_name"]
)
def test_collector_reads_the_time_of_the_event_and_stamps_no_old_one_anew(line: str) -> None:
    """As "Specifying a custom timestamp format" of Sumo's page on time says: RE2, one group, `SSS` for milliseconds."""
    (followed,) = orjson.loads((SAMPLES / "sumo/collector/sources.json").read_bytes())["sources"]
    (told,) = followed["defaultDateFormats"]
    found = re.search(told["locator"], line)
    assert found is not None
    assert "(?" not in told["locator"]
    assert told["format"] == "yyyy-MM-dd'T'HH:mm:ss.SSS"
    assert len(found.groups()) == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", found[1])
    assert orjson.loads(line)["@timestamp"].startswith(found[1])
    assert (followed["forceTimeZone"], followed["timeZone"]) == (True, "UTC")


def test_extraction_rule_takes_keys_of_the_schema() -> None:
    _fits(extraction_rule(), EXTRACTION)
    assert set(KEYS) <= set(keys())
    assert all(f'"{key}"' in extraction_rule()["parseExpression"] for key in KEYS)


def test_library_has_a_search_for_every_rule_that_has_one_and_a_dashboard() -> None:
    _fits(library(), FOLDER)
    *searches, last = library()["children"]
    asked = {rule.title: query(rule, Language.SUMO) for rule in rules()}
    written = {found["name"]: found["search"]["queryText"] for found in searches}
    assert {name: text.replace("{{trace_id}}", TRACE_PLACEHOLDER) for name, text in written.items()} == {
        title: text for title, text in asked.items() if text is not None
    }
    assert last == dashboard()
    for found in searches:
        _fits(found, SEARCH)
        _fits(found["search"], SEARCH_BODY)
        assert re.fullmatch(r"-\d+[mhd]", found["search"]["defaultTimeRange"])


def test_search_for_a_trace_asks_which() -> None:
    by_name = {found["name"]: found["search"] for found in library()["children"] if "search" in found}
    (trace,) = (by_name[rule.title] for rule in rules() if rule.name == "trace_events")
    (parameter,) = trace["queryParameters"]
    _fits(parameter, PARAMETER)
    assert f'= "{{{{{parameter["name"]}}}}}"' in trace["queryText"]
    assert parameter["dataType"] == "QUERY_FRAGMENT"
    assert not [found for found in by_name.values() if TRACE_PLACEHOLDER in found["queryText"]]


def test_panels_have_their_places_and_ask_for_keys_of_the_schema() -> None:
    board = dashboard()
    _fits(board, DASHBOARD)
    for panel, place in zip(board["panels"], board["layout"]["layoutStructures"], strict=True):
        _fits(panel, PANEL)
        assert panel["key"] == place["key"]
        assert orjson.loads(place["structure"])["x"] + orjson.loads(place["structure"])["width"] <= 24
        assert orjson.loads(panel["visualSettings"])["general"]["type"] in {"table", "column"}
        for asked in panel["queries"]:
            _fits(asked, PANEL_QUERY)
            taken = re.findall(r"\| json (.*) nodrop", asked["queryString"])
            extracted = {key.strip('"') for line in taken for key in line.split(", ")}
            assert extracted <= set(keys())
            assert _counted(asked["queryString"]) <= extracted | {"_timeslice"}


@pytest.mark.parametrize("monitor", ALARMS, ids=lambda monitor: str(monitor["name"]))
def test_monitor_tells_when_its_search_finds_a_row(monitor: Mapping[str, Any]) -> None:
    _fits(monitor, MONITOR)
    rule = BY_TITLE[monitor["name"]]
    assert [asked["query"] for asked in monitor["queries"]] == [
        alert(rule) if rule.is_sigma else query(rule, Language.SUMO)
    ]
    begun, ended = monitor["triggers"]
    _fits(begun, TRIGGER)
    assert ended["triggerType"] == f"Resolved{begun['triggerType']}"
    assert (begun["threshold"], begun["thresholdType"]) == (1, "GreaterThanOrEqual")
    assert rule.id in monitor["playbook"]
    assert all(len(asked["query"]) <= LONGEST_QUERY for asked in monitor["queries"])


@pytest.mark.parametrize("monitor", ALARMS, ids=lambda monitor: str(monitor["name"]))
def test_whom_a_monitor_told_of_does_not_silence_it_for_the_next(monitor: Mapping[str, Any]) -> None:
    rule = BY_TITLE[monitor["name"]]
    (asked,) = monitor["queries"]
    groups = monitor["notificationGroupFields"]
    assert groups == (list(rule.window.group_by) if rule.window else [rule.fields[0]])
    assert monitor["groupNotifications"]
    assert groups
    assert len(groups) <= MOST_GROUPS
    assert not read(f"{asked['query']}\n| where {' and '.join(f'!isEmpty({key})' for key in groups)}").problems


@pytest.mark.parametrize("monitor", ALARMS, ids=lambda monitor: str(monitor["name"]))
def test_monitor_that_counts_waits_until_its_window_is_there(monitor: Mapping[str, Any]) -> None:
    assert monitor["evaluationDelay"] == ("2m" if BY_TITLE[monitor["name"]].window else "0m")


@pytest.mark.parametrize("rule", [rule for rule in rules() if rule.window], ids=lambda rule: rule.name)
def test_monitor_looks_back_as_far_as_the_window(rule: Rule) -> None:
    assert rule.window is not None
    assert seconds(window(rule)) == rule.window.timespan_s
    assert window(rule) in RANGES


def test_every_alarm_of_a_day_or_less_has_a_monitor() -> None:
    told = {BY_TITLE[monitor["name"]].name for monitor in ALARMS}
    assert told == {
        rule.name
        for rule in rules()
        if rule.is_alarm
        and query(rule, Language.SUMO) is not None
        and (rule.is_sigma or seconds(rule.lookback) <= 86_400)
    }


def _counted(text: str) -> set[str]:
    return {key for keys_of in re.findall(r"\| count by (.*)", text) for key in keys_of.split(", ")}


def _fits(body: Mapping[str, Any], members: tuple[set[str], set[str]]) -> None:
    needed, possible = members
    assert needed <= set(body) <= needed | possible
