"""What deploy/ tells people: the commands work, the links lead somewhere, the numbers are right."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.deploy.shipped import DEPLOY, check_command, document

README = (DEPLOY / "README.md").read_text("utf-8")
COMMAND = re.compile(r"(?:exec serve gatetrail|--no-deps serve|applied:  gatetrail) (.+)$", re.MULTILINE)
TEXTS = [
    file for file in sorted(DEPLOY.rglob("*")) if file.suffix in {".md", ".yaml"} and file.parent.name != "systemd"
]


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: str(file.relative_to(DEPLOY)))
def test_the_commands_that_are_told_exist(file: Path) -> None:
    for told in COMMAND.findall(file.read_text("utf-8")):
        check_command(shlex.split(told))


def test_some_commands_are_told() -> None:
    assert sum(len(COMMAND.findall(file.read_text("utf-8"))) for file in TEXTS) >= 4


def test_the_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([\w./-]+)\)", README)
    assert len(links) > 5
    assert [link for link in links if not (DEPLOY / link).exists()] == []


def test_each_row_tells_how_it_was_checked() -> None:
    rows = [line for line in README.splitlines() if line.startswith("| [")]
    assert [row for row in rows if "run in CI" not in row and "checked, not run" not in row] == []


def test_the_number_of_alerts_is_right() -> None:
    groups = document(DEPLOY / "prometheus" / "alerts.yaml")["groups"]
    (told,) = re.findall(r"(\d+) alerts", README)
    assert int(told) == sum(len(group["rules"]) for group in groups)
