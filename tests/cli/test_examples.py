"""What help shows by example works as it is shown."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from gatetrail.cli.reference import reference
from gatetrail.delivery.sink import Start
from gatetrail.events.journal import Entry
from gatetrail.runtime.sample import sample_policy_text
from gatetrail_sinks.postgres.cursors import PostgresCursors
from tests.cli.conftest import Gatetrail
from tests.cli.recorded import allowed, denied, record

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("E4")]

ELSEWHERE = re.compile(r"--url|--dsn|--follow|gatetrail demo|gatetrail serve|export --config service.yaml$|DECISION_ID")
"""What asks another machine, or goes on until it is ended; suites of their own show it."""
NO = ("gatetrail sinks cancel 7", "gatetrail sessions --end 6f2d9c1b4a8e4c0f9d7e5a3b1c2d4e6f")
"""Answered with no here, which is exit code 1."""
DECISION_ID = "0199f2c4-8a51-7d3e-9b6f-2c1d0e4a5b6c"
SERVICE = """
sinks:
  siem: {type: file, path: siem.jsonl}
"""


def examples() -> list[str]:
    """Every line of an example, once."""
    found: dict[str, None] = {}
    for section in reference().split("Examples:\n")[1:]:
        lines = section.partition("```")[0].splitlines()
        found |= dict.fromkeys(re.split(r" {2,}", line.strip())[0] for line in lines if line.strip())
    return [line for line in found if not ELSEWHERE.search(line)]


@pytest.fixture
def surroundings(gatetrail: Gatetrail, dsn: str) -> dict[str, str]:
    """A machine on which all that the examples name is there."""
    (gatetrail.folder / "service.yaml").write_text(SERVICE)
    for name in ("policy.yaml", "tried.yaml"):
        (gatetrail.folder / name).write_text(sample_policy_text())
    (gatetrail.folder / "values.txt").write_text("ann\n")
    for name in (".zfunc", ".config/fish/completions"):
        (gatetrail.folder / name).mkdir(parents=True)
    record(dsn, [*allowed(), denied(execution_id=DECISION_ID), *allowed(), *allowed()])
    asyncio.run(put_aside(dsn))  # else nobody knows the sinks
    programs = str(Path(sys.executable).parent)
    return {**gatetrail.environment, "GATETRAIL_CONFIG": "service.yaml", "PATH": f"{programs}:{os.environ['PATH']}"}


async def put_aside(dsn: str) -> None:
    cursors = PostgresCursors(dsn)
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT seq, event_name, body::text FROM audit_events ORDER BY seq").fetchall()
    for name in ("siem", "old-siem"):
        await cursors.acquire(name, Start.BEGINNING)
        for seq, event_name, body in rows:
            await cursors.quarantine(name, Entry(seq, event_name, body.encode()), "413")
        await cursors.release(name)
    await cursors.close()


def test_examples_do_what_they_say(gatetrail: Gatetrail, dsn: str, surroundings: dict[str, str]) -> None:
    lines = examples()
    assert len(lines) > 25
    for line in lines:
        if "resend" in line:
            asyncio.run(put_aside(dsn))
        ran = subprocess.run(
            ["bash", "-c", line],
            cwd=gatetrail.folder,
            env=surroundings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == (1 if line in NO else 0), f"{line}\n{ran.stdout}{ran.stderr}"
        assert "Traceback" not in ran.stderr
