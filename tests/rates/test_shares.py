"""Two services with two workers each are overloaded by 8 callers, and each caller gets his rate."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.rate_share import CALLERS, RATE_PER_S, SERVICES, overloaded

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("B9")]

WORKERS = 2
SECONDS = 5.0
"""Short, and so as exact as a call; bench/rate_share.py takes a minute and twice as many workers."""
WITHIN = 0.02
A_CALL = 1.0
"""A part of a token is left in the bucket at the end, and the record's moments are not the store's."""


@pytest.mark.parametrize("store", ["postgres", "valkey"])
def test_every_caller_gets_the_configured_rate(
    store: str, dsn: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = store if store == "postgres" else f"valkey://127.0.0.1:{request.getfixturevalue('valkey_port')}"
    shares = overloaded(dsn, tmp_path, where, SECONDS, WORKERS)
    assert len(shares) == CALLERS
    for share in shares:
        assert share.processes == SERVICES * WORKERS
        assert share.attempts > 1.5 * share.due, "that was no overload"
        assert share.allowed <= share.due_at_most + A_CALL
        assert share.allowed >= share.due - WITHIN * RATE_PER_S * share.seconds - A_CALL
