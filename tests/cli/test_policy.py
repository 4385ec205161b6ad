"""The policy file is checked before it is used, and every mistake is told with its line."""

from __future__ import annotations

import subprocess

import pytest
import yaml

from gatetrail.policy.load import parse_policy
from gatetrail.redaction.marks import Marks
from gatetrail.runtime.sample import sample_policy, sample_policy_text
from tests.cli.conftest import COMMAND, Gatetrail

WRONG = """servers:
  finance:
    tier: king
    tolls: {}
blocklist:
  - id: one
    tools: ["pay"]
"""
PLACES = ["policy.yaml:3:", "policy.yaml:4:", "policy.yaml:6:"]


def test_a_good_policy_is_summed_up(offline: Gatetrail) -> None:
    (offline.folder / "policy.yaml").write_text(sample_policy_text())
    ran = offline("policy", "check", "policy.yaml")
    version = sample_policy().version
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"policy.yaml: ok, version {version}: 3 servers, ")
    (found,) = offline("policy", "check", "policy.yaml", "--json").objects
    assert (found["ok"], found["policy_version"], found["servers"]) == (True, version, 3)


def test_every_mistake_of_a_wrong_policy_is_told_with_its_line(offline: Gatetrail) -> None:
    (offline.folder / "policy.yaml").write_text(WRONG)
    ran = offline("policy", "check", "policy.yaml")
    assert (ran.code, ran.err) == (1, "")
    assert [line.split(" ")[0] for line in ran.out.splitlines()] == [
        "policy.yaml:3:",
        "policy.yaml:4:",
        "policy.yaml:6:",
    ]
    assert "servers.finance.tier: " in ran.out
    found = offline("policy", "check", "policy.yaml", "--json").objects
    assert [problem["line"] for problem in found] == [3, 4, 6]


def test_a_file_that_cannot_be_read_is_wrong_use(offline: Gatetrail) -> None:
    ran = offline("policy", "check", "nowhere.yaml")
    assert (ran.code, ran.out, ran.errors) == (2, "", ["nowhere.yaml: cannot be read: No such file or directory"])


def test_what_is_shown_is_a_policy_again(offline: Gatetrail) -> None:
    shown = offline("policy", "show")
    assert shown.code == 0
    assert parse_policy(shown.out, "shown").version == sample_policy().version
    (found,) = offline("policy", "show", "--json").objects
    assert found["document"] == yaml.safe_load(shown.out)


@pytest.mark.parametrize("arguments", [("serve", "--port", "0"), ("token", "mint", "--user", "a", "--tier", "user")])
def test_a_command_that_needs_the_policy_refuses_a_wrong_one(offline: Gatetrail, arguments: tuple[str, ...]) -> None:
    (offline.folder / "policy.yaml").write_text(WRONG)
    ran = offline(*arguments, "--policy", "policy.yaml")
    assert (ran.code, ran.out) == (2, "")
    assert [line.split(" ")[0] for line in ran.errors] == PLACES


@pytest.mark.requirement("F3")
def test_redaction_that_does_nothing_is_warned_of(offline: Gatetrail) -> None:
    (offline.folder / "policy.yaml").write_text("redaction: {arguments: [{path: customer.iban}]}")
    ran = offline("policy", "check", "policy.yaml")
    assert ran.code == 0
    assert "policy.yaml: redaction.arguments[0]: does nothing while preview_bytes is 0" in ran.err


@pytest.mark.requirement("F3")
def test_a_value_is_hashed_as_redaction_hashes_it(offline: Gatetrail) -> None:
    environment = {**offline.environment, "GATETRAIL_REDACTION_KEY": "r" * 32}
    ran = subprocess.run(
        [*COMMAND, "policy", "hash"], env=environment, input=b"ann\nDE02\n", capture_output=True, check=True, timeout=30
    )
    marks = Marks(b"r" * 32)
    assert ran.stdout.decode().splitlines() == [marks.hashed("ann"), marks.hashed("DE02")]
    assert offline("policy", "hash", GATETRAIL_REDACTION_KEY="short").code == 2
