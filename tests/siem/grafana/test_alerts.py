"""Every alert's query, run over the shipped events as an auditor."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from siem.golden import golden
from siem.sources import rules
from tests.deploy.grafana_sql import View
from tests.siem.grafana.conftest import Ask
from tests.siem.grafana.shipped import alert_groups, alert_text, dashboard, panels

pytestmark = [pytest.mark.postgres, pytest.mark.requirement("E7")]

ALERTS = [(group, alert) for group in alert_groups() for alert in group["rules"]]
EACH = pytest.mark.parametrize(("group", "alert"), ALERTS, ids=[alert["labels"]["rule"] for _, alert in ALERTS])
UNITS_S = {"s": 1, "m": 60}


def sql_of(alert: Any) -> str:
    text: str = alert["data"][0]["model"]["rawSql"]
    return text


def span_s(alert: Any) -> int:
    found: int = alert["data"][0]["relativeTimeRange"]["from"]
    return found


@EACH
def test_asked_of_all_events_it_counts_what_was_planted(ask: Ask, whole: View, group: Any, alert: Any) -> None:
    assert group["name"]
    at = f"'{whole.end.astimezone(UTC).isoformat()}'::timestamptz"
    all_s = int((whole.end - whole.begin).total_seconds()) + 1
    widened = sql_of(alert).replace(f"interval '{span_s(alert)} seconds'", f"interval '{all_s} seconds'")
    assert widened != sql_of(alert)
    assert ask(widened.replace("now()", at)) == [{"findings": len(golden()[alert["labels"]["rule"]].matches)}]


@EACH
def test_asked_now_it_finds_none_of_old_events(ask: Ask, whole: View, group: Any, alert: Any) -> None:
    assert group["name"]
    assert whole.end < datetime.now(UTC)
    assert ask(sql_of(alert)) == [{"findings": 0}]


@EACH
def test_no_moment_is_between_two_of_its_questions(group: Any, alert: Any) -> None:
    interval_s = int(group["interval"][:-1]) * UNITS_S[group["interval"][-1]]
    assert span_s(alert) >= 2 * interval_s
    assert f"interval '{span_s(alert)} seconds'" in sql_of(alert)


@EACH
def test_its_condition_is_a_threshold_on_its_count(group: Any, alert: Any) -> None:
    assert group["folder"] == "Audit"
    counted, above = alert["data"]
    assert (above["refId"], above["model"]["expression"]) == (alert["condition"], counted["refId"])
    assert above["model"]["conditions"] == [{"evaluator": {"type": "gt", "params": [0]}}]


def test_every_rule_that_somebody_is_woken_for_has_one() -> None:
    wanted = {rule.name for rule in rules() if rule.severity.value != "informational"}
    assert {alert["labels"]["rule"] for _, alert in ALERTS} == wanted


@EACH
def test_it_leads_to_the_panel_that_shows_what_was_found(group: Any, alert: Any) -> None:
    assert group["orgId"] == 1
    found = dashboard("gatetrail-sql")
    titles = {panel["id"]: panel["title"] for panel in panels(found)}
    assert (alert["dashboardUid"], titles[alert["panelId"]]) == (found["uid"], alert["title"])


def test_names_are_different_and_short_enough() -> None:
    uids = [alert["uid"] for _, alert in ALERTS]
    assert len({*uids}) == len(uids)
    assert all(re.fullmatch(r"[\w-]{1,40}", uid) for uid in uids)


def test_nothing_in_the_file_is_taken_for_a_variable_or_a_template() -> None:
    """Grafana expands `$NAME` in provisioning files, and templates in annotations."""
    assert "$" not in alert_text()
    assert "{{" not in alert_text()


def test_only_quiet_ones_come_paused() -> None:
    paused = {alert["labels"]["rule"] for _, alert in ALERTS if alert["isPaused"]}
    assert paused == {rule.name for rule in rules() if rule.severity.value == "low"} | {"impossible_travel"}
