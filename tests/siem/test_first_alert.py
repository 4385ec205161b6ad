"""From nothing to the first alert, as the page says it: the service, the probes, the file, the rule."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import orjson
import pytest
import yaml

from gatetrail.settings import ServiceSettings
from siem.proof.engines.sqlite import Sqlite
from siem.sources import rules
from tests.cli.conftest import WITHIN_S, Gatetrail, gatetrail
from tests.faults.conftest import eventually
from tests.require import require_or_skip
from tests.siem.page import fenced

__all__ = ["gatetrail"]

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("E7", "E12")]

RULE = next(rule for rule in rules() if rule.name == "scanner_probes_by_address")
SETTINGS = fenced("yaml")[0]
START, ATTACK = fenced()[:2]
ARCHIVE = "/var/log/gatetrail/audit.jsonl"


def test_the_settings_are_settings() -> None:
    assert ServiceSettings(**yaml.safe_load(SETTINGS)).sinks


def test_the_probes_of_the_page_make_the_alert_of_the_page(gatetrail: Gatetrail) -> None:
    require_or_skip(shutil.which("curl"), "there is no curl")
    archive = gatetrail.folder / "audit.jsonl"
    (gatetrail.folder / "service.yaml").write_text(SETTINGS.replace(ARCHIVE, str(archive)))
    (program, *arguments) = START.split()
    assert program == "gatetrail"
    service = gatetrail.start(*arguments, "--port", "0")
    lines = service.err.wait_for(lambda lines: any("A token for a caller" in line for line in lines))
    url = next(line for line in lines if "Listening on" in line).partition("Listening on ")[2].partition(" ")[0]
    attack, look = ATTACK.splitlines()
    subprocess.run(["bash", "-c", attack.replace("http://127.0.0.1:8080", url)], check=True, timeout=WITHIN_S)
    shown = gatetrail(*look.split()[1:])
    assert shown.code == 0
    assert shown.out.count("scanner") >= 3
    assert alert(archive)


def alert(archive: Path) -> frozenset[str]:
    """What the rule finds in the file, as soon as all probes stand in it."""
    assert RULE.window
    probes = RULE.window.at_least

    def are_written() -> bool:
        return archive.is_file() and archive.read_bytes().count(b'"event_name":"scanner.detected"') == probes

    eventually(are_written, f"{probes} probes stand in the file")
    return Sqlite().found(RULE, [orjson.loads(line) for line in archive.read_bytes().splitlines()])
