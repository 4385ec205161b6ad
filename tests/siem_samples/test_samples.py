"""What can be said of the shipped shipper configuration without the programs that it is for."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.siem_samples.shippers import AUDIT_FILE, SAMPLES, SIEM_FILE, SIEM_HOST

README = SAMPLES / "README.md"
ALL = sorted(path.relative_to(SAMPLES).as_posix() for path in SAMPLES.glob("*/*.*"))
FOLLOWERS = [name for name in ALL if "/follow." in name]
RECEIVERS = [name for name in ALL if "/receive." in name]
PATH = re.compile(r"/var/log/[\w./-]+")


def text_of(name: str) -> str:
    return (SAMPLES / name).read_text("utf-8")


def test_each_program_can_follow_the_file_and_can_receive() -> None:
    programs = {"fluent-bit", "fluentd", "rsyslog", "syslog-ng", "vector"}
    assert {name.partition("/")[0] for name in FOLLOWERS} == programs
    assert {name.partition("/")[0] for name in RECEIVERS} == programs
    assert sorted(FOLLOWERS + RECEIVERS) == ALL


@pytest.mark.parametrize("name", ALL)
def test_the_table_tells_of_each_file_whether_it_was_run(name: str) -> None:
    (row,) = (line for line in README.read_text("utf-8").splitlines() if f"({name})" in line)
    was_run = {"rsyslog": "run in CI", "syslog-ng": "run in CI"}
    assert was_run.get(name.partition("/")[0], "not run") in row


@pytest.mark.parametrize("name", ALL)
def test_a_sample_names_the_paths_that_the_documentation_names(name: str) -> None:
    allowed = (
        AUDIT_FILE,
        SIEM_FILE,
        "/var/log/siem",
        "/var/log/siem/gatetrail",
        "/var/log/siem/gatetrail.refused.jsonl",
    )
    assert set(PATH.findall(text_of(name))) <= set(allowed)
    assert (AUDIT_FILE in text_of(name)) == (name in FOLLOWERS)
    hosts = set(re.findall(r"[\w-]+\.example\.com", text_of(name)))
    assert hosts <= {SIEM_HOST, "gate-1.example.com", "elastic.example.com"}


@pytest.mark.parametrize("name", [name for name in ALL if name.endswith(".yaml")])
def test_yaml_is_yaml(name: str) -> None:
    content: dict[str, Any] = yaml.safe_load(text_of(name))
    assert content


def test_what_vector_connects_exists() -> None:
    for name in ("vector/follow.yaml", "vector/receive.yaml"):
        content: dict[str, Any] = yaml.safe_load(text_of(name))
        known = {*content["sources"], *content["transforms"], *(f"{one}.dropped" for one in content["transforms"])}
        for part in (*content["transforms"].values(), *content["sinks"].values()):
            assert set(part["inputs"]) <= known


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        (
            "fluentd/follow.conf",
            ["require_ack_response true", "time_key @timestamp", "keep_time_key true", "@type file"],
        ),
        ("fluentd/receive.conf", ["@type file", "<transport tls>", "shared_key", "append true"]),
        ("fluent-bit/follow.yaml", ["require_ack_response: on", 'time_key: "@timestamp"', "time_keep: on"]),
        ("fluent-bit/follow.yaml", ["storage.type: filesystem", "retry_limit: no_limits", "tls: on"]),
        ("fluent-bit/receive.yaml", ["storage.type: filesystem", "shared_key", "tls: on", "format: plain"]),
        ("vector/follow.yaml", ["type: disk", "when_full: block", "device_and_inode"]),
        ("vector/receive.yaml", ["type: disk", "when_full: block", "type: fluent", "type: syslog"]),
        ("rsyslog/follow.conf", ['action.resumeRetryCount="-1"', 'tls="on"', 'freshStartTail="off"']),
        ("rsyslog/receive.conf", ['queue.type="Direct"', 'type="imrelp"']),
        ("syslog-ng/follow.conf", ["disk-buffer(reliable(yes)", "flow-control", "peer-verify(required-trusted)"]),
        ("syslog-ng/receive.conf", ['transport("tls")', "flow-control", "fsync(yes)"]),
    ],
)
def test_a_sample_has_the_settings_without_which_events_are_lost(name: str, settings: list[str]) -> None:
    without_comments = "\n".join(line.partition("# ")[0] for line in text_of(name).splitlines())
    assert [setting for setting in settings if setting not in without_comments] == []
