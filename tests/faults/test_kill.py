"""SIGKILL at random points under load: no handler has run without its row, and nothing stays pending."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.faults.conftest import StartWorker, assert_intact, compare, eventually, pending

ROUNDS = 20
SEED = 20260119

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


@pytest.mark.requirement("A1", "D1", "D3", "D6", "F2")
def test_no_handler_runs_without_a_committed_allow_row_when_the_process_is_killed(
    dsn: str, open_folder: Path, start_worker: StartWorker
) -> None:
    chance = random.Random(SEED)
    for _ in range(ROUNDS):
        worker = start_worker(dsn, open_folder)
        worker.goes_on()
        # The moment of the kill is the test's input, not a wait for something.
        time.sleep(chance.uniform(0.0, 0.15))
        worker.kill()
    last = start_worker(dsn, open_folder)
    last.end()
    eventually(lambda: pending(dsn) == 0, "the sweep has closed what the killed processes left")
    statuses = compare(dsn, open_folder)
    assert statuses["success"] > ROUNDS
    assert statuses["failed"] >= 1, "twenty kills under load left not one call in the middle"
    assert_intact(dsn)
