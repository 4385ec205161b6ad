"""How followers drive their sinks."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FollowerSettings:
    """The limits of one follower. The defaults suit a sink on this machine as well as a distant one."""

    batch_events: int = 500
    """Entries in one write at most; twice as many are in memory, and one write more while a replay is under way."""
    batch_bytes: int = 1_000_000
    """Bytes in one write at most; a longer entry goes alone."""
    gather_ms: int = 50
    """So long is waited after the first word of something new, so that one write carries what comes with it."""
    write_timeout_ms: int = 30_000
    """A write that has not returned by then is cut off and comes again."""
    retry_initial_ms: int = 200
    retry_max_ms: int = 30_000
    tries_before_quarantine: int = 5
    """So often is one entry tried alone before it is put aside."""
    acquire_poll_ms: int = 1_000
    """How often a process that stands by asks whether the sink's owner is gone."""
    idle_poll_ms: int = 1_000
    """How often the journal is looked at although nobody said that there is more."""
    replay_poll_ms: int = 1_000
    """How often it is looked whether somebody has asked for a replay."""
    live_batches_for_a_replayed_one: int = 4
    """While the sink is behind the head, a replay gets one write after so many others; at the head every second."""
    report_interval_ms: int = 60_000
    """At most one failure of the sink, and its recovery, becomes an event in this time."""
    jitter: Callable[[], float] = random.random
    """Gives numbers from 0 up to 1; spreads the retries."""
