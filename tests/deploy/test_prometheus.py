"""The alerts, run by Prometheus' own tool on made-up series, and the commands that they send people to."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.shipped import DEPLOY, check_command, commands_in, document
from tests.unpacked import unpacked

pytestmark = pytest.mark.requirement("G4")

FOLDER = DEPLOY / "prometheus"
PROMTOOL = "usr/bin/promtool"
ALERTS: list[dict[str, Any]] = [rule for group in document(FOLDER / "alerts.yaml")["groups"] for rule in group["rules"]]
TESTS = ("alerts.test.yaml", "alerts.day.test.yaml")
alerts = pytest.mark.parametrize("alert", ALERTS, ids=[alert["alert"] for alert in ALERTS])


def promtool(*arguments: str, folder: Path = FOLDER) -> subprocess.CompletedProcess[str]:
    program = unpacked("prometheus", ["prometheus"], holds=PROMTOOL) / PROMTOOL
    return subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(("kind", "file"), [("rules", "alerts.yaml"), ("config", "prometheus.yaml")])
def test_prometheus_accepts_the_file(kind: str, file: str) -> None:
    checked = promtool("check", kind, file)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_each_alert_fires_in_its_trouble_and_none_while_all_is_well() -> None:
    tested = promtool("test", "rules", *TESTS)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_the_tests_of_alerts_can_fail(tmp_path: Path) -> None:
    for name in ("alerts.yaml", "alerts.test.yaml"):
        text = (FOLDER / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace('health="stuck"}) == 1', 'health="stuck"}) == 2'), "utf-8")
    assert promtool("test", "rules", "alerts.test.yaml", folder=tmp_path).returncode != 0


@alerts
def test_an_alert_is_tested(alert: dict[str, Any]) -> None:
    assert f'alertname="{alert["alert"]}"' in "".join((FOLDER / name).read_text("utf-8") for name in TESTS)


@alerts
def test_an_alert_tells_what_happened_what_it_means_and_what_to_do_first(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert {*alert["annotations"]} == {"summary", "description", "first_step"}
    assert all(text.strip() for text in alert["annotations"].values())
    assert not alert["annotations"]["summary"].endswith(".")


@alerts
def test_the_commands_that_an_alert_names_exist(alert: dict[str, Any]) -> None:
    for arguments in commands_in(" ".join(alert["annotations"].values())):
        check_command(arguments)


def test_some_alerts_name_commands() -> None:
    assert len([*commands_in(str(ALERTS))]) > 5


def test_the_sample_scrapes_the_job_that_the_alerts_are_about() -> None:
    (job,) = document(FOLDER / "prometheus.yaml")["scrape_configs"]
    assert {*re.findall(r'job="(\w+)"', str([alert["expr"] for alert in ALERTS]))} == {job["job_name"]}
