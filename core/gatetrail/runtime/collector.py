"""Python's garbage collector, set for a process that serves."""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 10_000
"""Collections of young objects begin at so many more than at the last one; Python's own 700 are used up by a few
calls in flight, whose objects then count as old and set off collections of everything."""
OLDER_TURNS = 20


def settle() -> None:
    """Take what start-up has made out of all later collections, and collect less often.

    It changes the whole process, so it is for those that are ours. With 32 callers it saves a tenth of a call's CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, OLDER_TURNS, OLDER_TURNS)
