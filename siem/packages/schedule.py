"""When an alarm's search runs and how far it looks back: one idea for every product that runs searches on a schedule.

A search looks back as far as its rule wants, and `LATE_S` further for events that come late, so that its runs overlap.
What keeps a finding from being told by each of them is the product's: Splunk remembers event ids and groups, Microsoft
Sentinel knows what came in since the run before.
"""

from __future__ import annotations

from siem.rule import Rule
from siem.sources import seconds

LATE_S = 600
"""Events that come in later than this after they happened may be passed over."""
PAUSES_S = ((3600, 300), (86_400, 900))
"""Searches that look back at most so many seconds run every so many seconds."""
LONGEST_PAUSE_S = 3600
"""Between two runs of all other searches."""


def pause_s(rule: Rule) -> int:
    """Between two runs."""
    lookback_s = seconds(rule.lookback)
    return next((pause for limit_s, pause in PAUSES_S if lookback_s <= limit_s), LONGEST_PAUSE_S)


def span_s(rule: Rule) -> int:
    """How far a run looks back; always longer than the pause."""
    return seconds(rule.lookback) + LATE_S
