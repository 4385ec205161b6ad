"""The benchmarks run. What they measure is not asserted: a test machine has other work to do."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.checkout import ROOT

LIMIT_S = 600


@pytest.mark.slow
@pytest.mark.postgres
def test_all_benchmarks_run_and_tell_of_each_budget() -> None:
    command = [sys.executable, "-m", "bench", "--quick", "--json"]
    answer = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
    assert answer.returncode == 0, answer.stderr
    result = json.loads(answer.stdout)
    assert {"gates", "journal", "mcp_calls", "audit_queries"} <= result.keys()
    assert all(budget["measured"] > 0 or "added" in budget["what"] for budget in result["budgets"])
