"""How many calls each caller makes."""

from __future__ import annotations

from collections.abc import Sequence

from gatetrail.demo.cast import CAST
from gatetrail.demo.party import Party
from gatetrail.errors import WrongUse

SMALLEST = sum(party.share for party in CAST)
"""With fewer calls some gate would have nothing to deny."""

LARGEST = 100_000


def plan(calls: int) -> Sequence[tuple[Party, int]]:
    """Exactly so many calls, spread over the callers by their shares; the same for the same number.

    Raises `WrongUse` outside of `SMALLEST` to `LARGEST`.
    """
    if not SMALLEST <= calls <= LARGEST:
        raise WrongUse(
            f"--calls {calls}: expected {SMALLEST} to {LARGEST}; with fewer than {SMALLEST} not every gate is shown"
        )
    counts = [calls * party.share // SMALLEST for party in CAST]
    left = calls - sum(counts)
    return [(party, counts[at] + (at < left)) for at, party in enumerate(CAST)]
