"""A source that cannot be used is told: which file, what is wrong, and what would be right. No traceback."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from siem import __main__ as command
from siem.languages import splunk
from siem.places import NATIVE, SIGMA
from siem.queries import query_files
from siem.sources import RuleBroken, read_rules

pytestmark = pytest.mark.requirement("E12")

MATCH, COUNT = "call_denied.yml", "rate_limited_often.yml"
NATIVE_RULE = "journal_gap"


@pytest.fixture
def sigma(tmp_path: Path) -> Path:
    shutil.copytree(SIGMA, tmp_path / "sigma")
    return tmp_path / "sigma"


@pytest.fixture
def native(tmp_path: Path) -> Path:
    shutil.copytree(NATIVE, tmp_path / "native")
    return tmp_path / "native"


def spoil(path: Path, change: Callable[[Any], object]) -> None:
    """The last document of the file, changed in its place."""
    documents = list(yaml.safe_load_all(path.read_text("utf-8")))
    change(documents[-1])
    path.write_text(yaml.safe_dump_all(documents, sort_keys=False), "utf-8")


def refused(sigma: Path, native: Path) -> str:
    with pytest.raises(RuleBroken) as broken:
        read_rules(sigma, native)
    return str(broken.value)


LACKING = ["id", "name", "title", "description", "level", "status", "falsepositives", "fields", "gatetrail"]


@pytest.mark.parametrize("key", LACKING)
@pytest.mark.parametrize("file", ["sigma/call_denied.yml", "native/journal_gap/rule.yml"])
def test_a_key_that_lacks_is_named(sigma: Path, native: Path, file: str, key: str) -> None:
    path = sigma.parent / file
    spoil(path, lambda rule: rule.pop(key))
    assert refused(sigma, native).startswith(f"{path}: {key}: ")


WRONG: list[tuple[str, Callable[[Any], object], str]] = [
    (
        MATCH,
        lambda rule: rule.update(level="severe"),
        "level: .*'high' or 'critical'",
    ),
    (MATCH, lambda rule: rule.update(name="denied"), "name: is 'denied', its file wants 'call_denied'"),
    (MATCH, lambda rule: rule.update(id="1"), "id: .*UUID"),
    (MATCH, lambda rule: rule.update(falsepositives=[]), "falsepositives: "),
    (MATCH, lambda rule: rule.pop("detection"), "has neither detection nor correlation"),
    (MATCH, lambda rule: rule["gatetrail"].update(question=16), "gatetrail.question: .*15"),
    (MATCH, lambda rule: rule["gatetrail"].pop("lookback"), "gatetrail.lookback: "),
    (MATCH, lambda rule: rule["gatetrail"].update(lookback="5min"), "gatetrail.lookback: .*such as 5m"),
    (MATCH, lambda rule: rule["gatetrail"].update(lockback="5m"), "gatetrail.lockback: "),
    (
        COUNT,
        lambda rule: rule["correlation"].update(type="temporal"),
        "correlation.type: .*or 'value_count'",
    ),
    (COUNT, lambda rule: rule["correlation"].update(timespan=""), "correlation.timespan: .*such as 5m"),
    (COUNT, lambda rule: rule["correlation"].update(timespan="0h"), "correlation.timespan: .*such as 5m"),
    (COUNT, lambda rule: rule["correlation"].pop("group-by"), "correlation.group-by: "),
    (COUNT, lambda rule: rule["correlation"].update(condition={"gt": 20}), "correlation.condition.gte: "),
    (COUNT, lambda rule: rule["correlation"].update(condition={"gte": 20, "lt": 30}), "correlation.condition.lt: "),
    (COUNT, lambda rule: rule["correlation"].update(type="value_count"), "correlation: .*field"),
    (COUNT, lambda rule: rule["correlation"]["condition"].update(field="user_id"), "correlation: .*field"),
]


@pytest.mark.parametrize(("file", "change", "said"), WRONG, ids=[said for _, _, said in WRONG])
def test_what_is_wrong_is_said_with_what_would_be_right(
    sigma: Path, native: Path, file: str, change: Callable[[Any], object], said: str
) -> None:
    spoil(sigma / file, change)
    with pytest.raises(RuleBroken, match=f"/sigma/{file}: {said}"):
        read_rules(sigma, native)


@pytest.mark.parametrize("text", ["", "---\n", "- a list\n", "just words\n", "a: [1\n", "a: 1\n---\n"])
def test_a_file_without_a_rule_in_it_is_told(sigma: Path, native: Path, text: str) -> None:
    path = sigma / MATCH
    path.write_text(text, "utf-8")
    assert refused(sigma, native).startswith(f"{path}: ")


@pytest.mark.parametrize("name", [COUNT.replace(".yml", ".yaml"), "notes.txt"])
def test_a_file_that_would_be_passed_over_is_told(sigma: Path, native: Path, name: str) -> None:
    path = sigma / name
    path.write_text("title: nobody reads this\n", "utf-8")
    assert refused(sigma, native) == f"{path}: is no rule; rules of Sigma end with .yml"


def test_a_folder_without_its_rule_is_told(sigma: Path, native: Path) -> None:
    (native / NATIVE_RULE / "rule.yml").unlink()
    assert refused(sigma, native) == f"{native / NATIVE_RULE}: has no rule.yml, which says what its queries are for"


def test_what_a_base_lacks_is_told(sigma: Path, native: Path) -> None:
    path = sigma / COUNT
    documents = list(yaml.safe_load_all(path.read_text("utf-8")))
    del documents[0]["name"]
    path.write_text(yaml.safe_dump_all(documents), "utf-8")
    assert refused(sigma, native).startswith(f"{path}: name: ")


@pytest.mark.parametrize(
    "detection",
    [
        {"selection": {"gate|nonsense": "audit"}, "condition": "selection"},
        {"selection": {"gate": "audit"}, "condition": "selection and"},
        {"selection": {"gate": "audit"}, "condition": "another"},
        {"selection": ["audit"], "condition": "selection"},
        {"selection": {"gate": "audit"}},
    ],
    ids=str,
)
def test_a_detection_that_sigma_does_not_understand_is_told(sigma: Path, native: Path, detection: Any) -> None:
    path = sigma / MATCH
    spoil(path, lambda rule: rule.update(detection=detection))
    rule = next(rule for rule in read_rules(sigma, native) if rule.path == path)
    with pytest.raises(RuleBroken, match=r"/sigma/call_denied\.yml: "):
        splunk.spl(rule)
    with pytest.raises(RuleBroken, match=r"/sigma/call_denied\.yml: "):
        query_files([rule])


def test_the_command_says_it_and_ends(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def make() -> dict[str, bytes]:
        raise RuleBroken("a.yml: id: Field required")

    monkeypatch.setattr(command, "MAKERS", (make,))
    assert command.main(["--check"]) == 2
    assert capsys.readouterr() == ("", "a.yml: id: Field required\n")
