"""What is committed below siem-samples is what its sources say, and `python -m siem --check` tells when it is not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from siem import __main__ as command
from siem.places import SAMPLES

pytestmark = pytest.mark.requirement("E12")

QUERY = "elastic/queries/call_denied.esql"
STALE = "splunk/queries/a_rule_that_is_gone.spl"
STALE_FOLDER = "sumo/queries/mine"
DIFFERENT = "is not what its source says; run: make siem"
WITHOUT_SOURCE = "has no source; what is yours move elsewhere, then run: make siem"


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that the command takes for the committed files, with nothing different in it."""
    copy = tmp_path / "siem-samples"
    shutil.copytree(SAMPLES, copy)
    monkeypatch.setattr(command, "SAMPLES", copy)
    assert command.main([]) == 0
    return copy


def change_a_byte(samples: Path) -> str:
    path = samples / QUERY
    path.write_bytes(path.read_bytes().replace(b"deny", b"denY", 1))
    return f"{QUERY} {DIFFERENT}"


def delete_a_file(samples: Path) -> str:
    (samples / QUERY).unlink()
    return f"{QUERY} {DIFFERENT}"


def leave_a_file_behind(samples: Path) -> str:
    (samples / STALE).write_text("`gatetrail`\n")
    return f"{STALE} {WITHOUT_SOURCE}"


def leave_a_folder_behind(samples: Path) -> str:
    (samples / STALE_FOLDER).mkdir()
    (samples / STALE_FOLDER / "notes.txt").write_text("mine\n")
    return f"{STALE_FOLDER} {WITHOUT_SOURCE}"


def contents(samples: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in samples.rglob("*") if path.is_file()}


def test_everything_generated_is_what_its_source_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--check"]) == 0, capsys.readouterr().err
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")


@pytest.mark.parametrize("spoil", [change_a_byte, delete_a_file, leave_a_file_behind, leave_a_folder_behind])
def test_what_is_different_is_told_and_mended(
    copied: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], str]
) -> None:
    before = contents(copied)
    said = spoil(copied)
    assert command.main(["--check"]) == 1
    assert capsys.readouterr().err == f"siem-samples/{said}\n"
    assert command.main([]) == 0
    removed = "" if said.endswith(DIFFERENT) else f"siem-samples/{said.split()[0]} had no source and was removed\n"
    assert capsys.readouterr().err == removed
    assert contents(copied) == before
