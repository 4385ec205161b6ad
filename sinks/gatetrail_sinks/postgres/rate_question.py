"""The takings of many calls as the arrays that `gatetrail_take` reads."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from gatetrail.limits import Taking

DIGEST_BYTES = 16


def digest(key: str) -> bytes:
    """What stands for a key in the table: no index has to bear the longest id, and none is told."""
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()


def question(calls: Sequence[Sequence[Taking]], at_s: float | None = None) -> dict[str, Any]:
    """The statement's parameters. `at_s` goes over the server's clock, for tests."""
    numbers: dict[str, int] = {}
    firsts: list[int] = []
    bucket: list[int] = []
    rates: list[float] = []
    capacities: list[float] = []
    ends: list[int] = []
    for wanted in calls:
        for taking in wanted:
            number = numbers.setdefault(taking.key, len(numbers) + 1)
            if number > len(firsts):
                firsts.append(len(bucket) + 1)
            bucket.append(number)
            rates.append(taking.limit.rate_per_s)
            capacities.append(taking.limit.capacity)
        ends.append(len(bucket))
    return {
        "keys": [digest(key) for key in numbers],
        "firsts": firsts,
        "bucket": bucket,
        "rates": rates,
        "capacities": capacities,
        "ends": ends,
        "at_s": at_s,
    }
