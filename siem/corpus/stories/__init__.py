"""One story for each rule or group of rules, in the order of their days."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from siem.corpus.stage import Stage
from siem.corpus.stories import (
    branch,
    bursts,
    denials,
    endings,
    newcomers,
    nights,
    ordinary,
    orphans,
    policies,
    probes,
    rates,
    sessions,
    silence,
    targets,
    travel,
    trouble,
)

Story = Callable[[Stage], Awaitable[None]]

STORIES: tuple[Story, ...] = (
    ordinary.tell,
    newcomers.baseline,
    denials.tell,
    rates.tell,
    policies.long_before,
    probes.tell,
    bursts.tell,
    newcomers.too_early,
    sessions.tell,
    sessions.next_day,
    newcomers.week_full,
    newcomers.week_later,
    travel.tell,
    targets.tell,
    orphans.left_behind,
    orphans.one_trace,
    nights.tell,
    policies.tell,
    silence.tell,
    trouble.sinks,
    trouble.set_back,
    trouble.refusing,
    trouble.lost_lines,
    branch.tell,
    endings.tell,
)
"""Time goes on from each to the next."""
