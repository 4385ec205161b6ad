"""The examples of docs/upstreams.md are settings and a policy that load, and name what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gatetrail.policy.load import parse_policy
from gatetrail.runtime.upstreams import mounted
from gatetrail.settings import CommandServer, UpstreamSettings, UrlServer, load_settings
from gatetrail.upstreams import answers
from tests.checkout import ROOT

PAGE = (ROOT / "docs/upstreams.md").read_text("utf-8")


def block(title: str) -> str:
    found = re.search(rf"```yaml\n# {re.escape(title)}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_settings_load_and_their_credentials_are_found(tmp_path: Path) -> None:
    (tmp_path / "files-key").write_text("a key\n")
    text = block("service.yaml").replace("/run/secrets", str(tmp_path)).replace("/etc/gatetrail", str(tmp_path))
    (tmp_path / "service.yaml").write_text(text)
    servers = load_settings(tmp_path / "service.yaml").servers
    files, tickets = servers["files"], servers["tickets"]
    assert isinstance(files, CommandServer)
    assert isinstance(tickets, UrlServer)
    for name, server in (("files", files), ("tickets", tickets)):
        assert mounted(name, server, {"TICKETS_TOKEN": "x"}).upstream.name == name


def test_the_policy_loads() -> None:
    assert parse_policy(block("policy.yaml"), "policy.yaml").document.servers.keys() == {"files", "tickets"}


def test_the_numbers_are_those_of_the_code() -> None:
    defaults = UpstreamSettings()
    assert f"| `start_limit_ms` | {defaults.start_limit_ms} |" in PAGE
    pauses = f"{defaults.retry_initial_ms}, {defaults.retry_max_ms}"
    assert f"| `retry_initial_ms`, `retry_max_ms` | {pauses} |" in PAGE
    for code in (answers.UNAVAILABLE, answers.TIMED_OUT, answers.ANSWER_INVALID):
        assert f"error {code}" in PAGE
    for failure in (answers.UpstreamUnavailable, answers.UpstreamAnswerInvalid):
        assert f"`failed`, `{failure.error_class}`" in PAGE
    assert str(answers.UpstreamUnavailable("files", "it ended")) in PAGE


@pytest.mark.parametrize("word", ["sampling", "elicitation", "roots"])
def test_what_is_not_passed_on_is_said(word: str) -> None:
    assert word in PAGE.partition("## What is not passed on")[2]
