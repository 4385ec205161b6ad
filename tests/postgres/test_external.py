"""A server of Debian's own, named by its DSN: everything that matters about the store runs on it as well."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.external import external_server

SUITES = tuple(f"tests/postgres/test_{name}.py" for name in ("journal", "verify", "cursors", "audit_sql"))
SUITES_LIMIT_S = 300.0

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


@pytest.fixture(scope="module")
def external_dsn() -> Iterator[str]:
    with external_server() as dsn:
        yield dsn


def test_journal_verify_and_cursors_keep_their_promises_there(external_dsn: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SUITES],
        cwd=ROOT,
        env={**os.environ, "GATETRAIL_TEST_DSN": external_dsn},
        capture_output=True,
        text=True,
        timeout=SUITES_LIMIT_S,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:]


@pytest.mark.requirement("G1")
def test_the_demo_runs_there(external_dsn: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "gatetrail", "demo", "--once", "--calls", "60", "--json"],
        cwd=tmp_path,
        env={**os.environ, "GATETRAIL_DSN": external_dsn, "GATETRAIL_DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=SUITES_LIMIT_S,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    assert '"verified":true' in run.stdout
