"""Every query of the dashboard on SQL, run over the shipped events as an auditor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from siem.files import different
from siem.golden import Event, corpus, golden, traced
from siem.packages import grafana
from siem.packages.grafana.panels import SQL_SOURCE
from siem.places import SAMPLES
from siem.rule import Rule
from siem.sources import rules
from tests.deploy.grafana_sql import View
from tests.deploy.shipped import DEPLOY, document
from tests.siem.grafana.conftest import Ask, Rows
from tests.siem.grafana.shipped import dashboard, panels, placed

pytestmark = [pytest.mark.postgres, pytest.mark.requirement("E7")]

DASHBOARD = dashboard("gatetrail-sql")
PANELS: Mapping[str, Any] = {panel["title"]: panel for panel in panels(DASHBOARD)}


def shown(ask: Ask, title: str, view: View, trace_id: str = "") -> Rows:
    """What a panel gets."""
    (target,) = PANELS[title]["targets"]
    assert (PANELS[title]["type"] == "timeseries") == (target["format"] == "time_series")
    return ask(view.expanded(target["rawSql"].replace("${trace_id:sqlstring}", f"'{trace_id}'")))


def denials() -> list[Event]:
    return [one for one in corpus() if one["event_name"] == "tool_call.decided" and one["decision"] == "deny"]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_a_rules_panel_shows_what_was_planted(ask: Ask, whole: View, rule: Rule) -> None:
    found = shown(ask, rule.title, whole, traced())
    assert {str(row["event_id"]) for row in found} == golden()[rule.name].matches
    assert len(found) == len(golden()[rule.name].matches)


def test_findings_of_each_rule_are_counted(ask: Ask, whole: View) -> None:
    expected = {name: len(planted.matches) for name, planted in golden().items()}
    counted = {row["rule"]: row["findings"] for row in shown(ask, "Findings by rule", whole)}
    assert counted == {name: n for name, n in expected.items() if name not in {"impossible_travel", "trace_events"}}


def test_each_finding_leads_to_its_trace(ask: Ask, whole: View) -> None:
    traces = {str(one["event_id"]): one.get("trace_id") for one in corpus()}
    for row in shown(ask, "Tool call denied", whole):
        assert row["trace_id"] == traces[str(row["event_id"])]
    (override,) = PANELS["Tool call denied"]["fieldConfig"]["overrides"]
    (link,) = override["properties"][0]["value"]
    (variable,) = DASHBOARD["templating"]["list"]
    assert link["url"].startswith(f"/d/{DASHBOARD['uid']}?")
    assert f"var-{variable['name']}=" in link["url"]


def test_denials_are_counted_by_reason(ask: Ask, whole: View) -> None:
    expected = Counter((one["gate"], one["reason_code"]) for one in denials())
    counted = {
        (row["gate"], row["reason_code"]): row["denials"] for row in shown(ask, "Denials by gate and reason", whole)
    }
    assert counted == expected
    drawn: Counter[str] = Counter()
    for row in shown(ask, "Denials by reason", whole):
        assert next(iter(row)) == "time"
        drawn[row["metric"]] += row["denials"]
    assert drawn == Counter(one["reason_code"] for one in denials())


def test_tools_and_callers_denied_most(ask: Ask, whole: View) -> None:
    by_rules = [one for one in denials() if one["gate"] in {"scope", "blocklist", "hook"}]
    tools = Counter((one["server_name"], one["tool_name"]) for one in by_rules)
    found = shown(ask, "Tools denied most", whole)
    assert found[0]["denials"] == tools.most_common(1)[0][1]
    assert all(row["denials"] == tools[row["server_name"], row["tool_name"]] for row in found)
    callers = Counter((one.get("user_id"), one["caller_type"]) for one in denials())
    found = shown(ask, "Callers denied most", whole)
    assert all(row["denials"] == callers[row["user_id"], row["caller_type"]] for row in found)
    assert found[0]["denials"] == callers.most_common(1)[0][1]


def test_the_newest_denial_stands_first(ask: Ask, whole: View) -> None:
    found = shown(ask, "Newest denials", whole)
    assert [str(row["execution_id"]) for row in found] == sorted(
        (one["execution_id"] for one in denials()), reverse=True
    )[:100]


def test_columns_have_names_of_their_own(whole: View, auditor: Any) -> None:
    for panel in PANELS.values():
        (target,) = panel["targets"]
        query = whole.expanded(target["rawSql"].replace("${trace_id:sqlstring}", "''"))
        names = [column.name for column in auditor.execute(query.encode()).description]
        assert len(names) == len({*names}), panel["title"]


def test_what_is_generated_is_what_is_committed() -> None:
    assert different(SAMPLES, grafana.files()) == []


@pytest.mark.parametrize("name", ["gatetrail-sql", "gatetrail-loki"])
def test_panels_do_not_overlap(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in placed(dashboard(name)):
        place = panel["gridPos"]
        columns, lines = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        cells = {(x, y) for x in columns for y in lines}
        assert max(columns) < 24
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("name", ["gatetrail-sql", "gatetrail-loki"])
def test_panels_have_numbers_of_their_own(name: str) -> None:
    rows = [panel for panel in placed(dashboard(name)) if panel["type"] == "row"]
    numbers = [panel["id"] for panel in [*rows, *panels(dashboard(name))]]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))


def test_the_source_is_the_provisioned_one() -> None:
    source = document(DEPLOY / "grafana" / "provisioning" / "datasources" / "gatetrail.yaml")["datasources"][0]
    assert {"type": source["type"], "uid": source["uid"]} == SQL_SOURCE
    assert all(panel["datasource"] == panel["targets"][0]["datasource"] == SQL_SOURCE for panel in PANELS.values())


def test_the_dashboard_of_operations_is_another() -> None:
    other = document(DEPLOY / "grafana" / "dashboards" / "gatetrail.json")
    assert other["uid"] != DASHBOARD["uid"]
    assert other["title"] != DASHBOARD["title"]
