"""The add-on as Splunk's own checker sees it, and its files among themselves."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from gatetrail.events.journal import Entry
from gatetrail_sinks.syslog.message import Formatter
from gatetrail_sinks.syslog.settings import SyslogSettings
from siem.files import different
from siem.packages import splunk
from siem.packages.splunk.about import ADD_ON, version
from siem.packages.splunk.archive import build
from siem.places import ROOT, SAMPLES
from siem.proof.grammars.spl import read as read_search
from tests.require import require_or_skip
from tests.siem.splunk.addon import SOURCETYPE, aliases, calculated, event_types, extracted, props
from tests.siem.splunk.conf import ADD_ON as FOLDER
from tests.siem.splunk.conf import DEFAULT, conf, read

pytestmark = pytest.mark.requirement("E7")

APPINSPECT = ROOT / "build" / "appinspect" / "bin" / "splunk-appinspect"
CLOUD_TAGS = ("cloud", "private_victoria", "private_classic", "future")
MODES = {"splunkbase": (), "cloud": tuple(word for tag in CLOUD_TAGS for word in ("--included-tags", tag))}
FINE = {"success", "not_applicable"}
EXPLAINED: Mapping[str, str] = {}
"""Warnings of the checker that stay, by the name of the check, and why. There are none."""
LINE = b'{"@timestamp":"2026-11-23T09:08:07.000009Z","event_name":"tool_call.decided"}'


@pytest.mark.parametrize("mode", MODES)
def test_splunks_own_checker_finds_nothing(mode: str, tmp_path: Path) -> None:
    require_or_skip(APPINSPECT.exists(), "splunk-appinspect is not installed: make build/appinspect/.stamp")
    report = tmp_path / "report.json"
    told = ("--data-format", "json", "--output-file", str(report))
    command = [str(APPINSPECT), "inspect", str(build(tmp_path)), "--mode", "precert", *MODES[mode], *told]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert report.exists(), ran.stderr
    found = list(checks(json.loads(report.read_text("utf-8"))))
    assert sum(check["result"] == "success" for check in found) > 80
    unexplained = [check for check in found if check["result"] not in FINE and check["name"] not in EXPLAINED]
    assert [(check["name"], check["messages"]) for check in unexplained] == []


def checks(report: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for one in report["reports"]:
        for group in one["groups"]:
            yield from group["checks"]


def test_what_is_generated_is_what_is_committed() -> None:
    assert different(SAMPLES, splunk.files()) == []


def test_an_archive_is_the_same_each_time_and_has_one_folder(tmp_path: Path) -> None:
    one, two = build(tmp_path / "one"), build(tmp_path / "two")
    assert one.name == f"{ADD_ON}-{version()}.tgz"
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("path", sorted(DEFAULT.glob("*.conf")), ids=lambda path: path.name)
def test_a_configuration_file_can_be_read(path: Path) -> None:
    assert read(path)


def test_time_is_read_to_the_microsecond() -> None:
    begin = re.search(props()["TIME_PREFIX"], LINE.decode())
    assert begin is not None
    seen = LINE.decode()[begin.end() :][: int(props()["MAX_TIMESTAMP_LOOKAHEAD"])]
    form = props()["TIME_FORMAT"].replace("%6N", "%f")
    moment = datetime.strptime(seen, form).replace(tzinfo=UTC)
    assert (moment, props()["TZ"]) == (datetime(2026, 11, 23, 9, 8, 7, 9, tzinfo=UTC), "UTC")


def test_keys_are_extracted_once() -> None:
    """With INDEXED_EXTRACTIONS beside it every value would be there twice."""
    assert props()["KV_MODE"] == "json"
    assert "INDEXED_EXTRACTIONS" not in props()
    assert extracted(LINE)["@timestamp"] == "2026-11-23T09:08:07.000009Z"


def test_a_line_is_an_event() -> None:
    breaker = re.compile(props()["LINE_BREAKER"])
    assert breaker.groups == 1
    assert breaker.sub("|", '{"a":1}\n{"a":2}\r\n') == '{"a":1}|{"a":2}|'
    assert props()["SHOULD_LINEMERGE"] == "false"


def test_the_envelope_for_http_says_the_same_time_as_the_event() -> None:
    (line,) = re.findall(r"^ +(\{\"time\".*)$", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)
    envelope = json.loads(line)
    moment = datetime.fromisoformat(envelope["event"]["@timestamp"])
    assert envelope["time"] == pytest.approx(moment.timestamp(), abs=1e-6)
    assert envelope["sourcetype"] == SOURCETYPE


def test_the_header_of_a_syslog_message_is_cut_off() -> None:
    rule = conf("transforms")[props()["TRANSFORMS-gatetrail"]]
    hostile = {**json.loads(LINE), "level": "info", "user_id": 'x] {"@timestamp":"', "client_id": "{} ]"}
    line = json.dumps(hostile, separators=(",", ":")).encode()
    message = Formatter(SyslogSettings(host="siem.example.com"), "gate-1", lambda entry: entry.line).message(
        Entry(1, "tool_call.decided", line)
    )
    assert len(message) > len(line)
    found = re.search(rule["REGEX"], message.decode())
    assert found is not None
    assert (rule["FORMAT"], rule["DEST_KEY"], found[1]) == ("$1", "_raw", line.decode())
    begin = re.search(props()["TIME_PREFIX"], message.decode())
    assert begin is not None
    assert message.decode()[begin.end() :].startswith("2026-11-23T09:08:07.000009Z")
    assert re.search(rule["REGEX"], line.decode()) is None


def test_tags_hang_on_event_types_that_there_are() -> None:
    assert {name.removeprefix("eventtype=") for name in conf("tags")} <= {*event_types()}


def test_searches_of_the_dashboard_and_of_reports_begin_with_the_macro() -> None:
    searches = [*panels(), *(one["search"] for one in conf("savedsearches").values())]
    assert {text.split(" ")[0] for text in searches} == {"`gatetrail`"}
    assert conf("macros")["gatetrail"]["definition"] == 'sourcetype="gatetrail:audit"'


def test_the_dashboard_uses_the_time_and_the_inputs_that_it_has() -> None:
    form = ET.parse(DEFAULT / "data" / "ui" / "views" / "gatetrail.xml")
    inputs = {one.attrib["token"] for one in form.iter("input")}
    text = "".join(form.getroot().itertext())
    used = {name.partition(".")[0] for name in re.findall(r"\$([\w.]+)(?:\|s)?\$", text)}
    assert used == inputs | {"row"}


def test_what_somebody_types_is_quoted_by_splunk() -> None:
    """The filter `s` of a token quotes it and escapes quotes in it: a link cannot bring a search of its own."""
    asked = [text for text in panels() if "$" in text]
    assert asked
    assert [text for text in asked if re.search(r"\$\w+\$", text)] == []


def panels() -> list[str]:
    """The searches of the dashboard."""
    form = ET.parse(DEFAULT / "data" / "ui" / "views" / "gatetrail.xml")
    return [str(query.text).strip() for query in form.iter("query")]


def test_the_read_me_tells_of_every_tag() -> None:
    text = (FOLDER / "README.md").read_text("utf-8")
    told = {tag for row in text.splitlines() if row.startswith("| `") for tag in row.split("|")[3].strip().split(", ")}
    assert told == {tag for settings in conf("tags").values() for tag in settings}


def test_searches_use_commands_that_there_are_and_fields_that_there_are() -> None:
    """Those that are written here; what comes from rules is read where the rules are."""
    made = frozenset({*calculated(), *aliases()})
    searches = {name: one["search"] for name, one in conf("savedsearches").items() if " - Report: " in name}
    assert len(searches) == 4
    searches = {name: text.replace("$trace_id$", "*") for name, text in searches.items()}
    searches |= {text: re.sub(r"\$(\w+)\|s\$", '"*"', text) for text in panels()}
    problems = {name: read_search(text, made).problems for name, text in searches.items()}
    assert {name: found for name, found in problems.items() if found} == {}
