"""What a denial for too many calls says of its limits, compared with those of another policy."""

from __future__ import annotations

import re

from gatetrail.policy.scanner import Burst

_NUMBER = re.compile(r"(?<![\w.+-])\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])")
_BURST = re.compile(r"more than (\d+) requests within (\d+) ms")


def not_lower(recorded_reason: str, other_reason: str) -> bool:
    """True when two denials by rate are about the same things, and no limit of the other one is lower."""
    before, after = _NUMBER.findall(recorded_reason), _NUMBER.findall(other_reason)
    if _NUMBER.sub("", recorded_reason) != _NUMBER.sub("", other_reason) or len(before) != len(after):
        return False
    return all(float(new) >= float(old) for old, new in zip(before, after, strict=True))


def same_burst(recorded_reason: str, other: Burst) -> bool:
    """True when a denial for a burst was by just this limit."""
    return _burst_of(recorded_reason) == (other.limit, other.window_ms)


def looser_burst(recorded_reason: str, other: Burst) -> bool:
    """True when a denial for a burst was by a limit that is nowhere looser than this one."""
    burst = _burst_of(recorded_reason)
    return burst is not None and other.limit >= burst[0] and other.window_ms <= burst[1]


def _burst_of(reason: str) -> tuple[int, int] | None:
    found = _BURST.fullmatch(reason)
    return (int(found[1]), int(found[2])) if found else None
