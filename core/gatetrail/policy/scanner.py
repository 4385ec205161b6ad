"""The policy file's `scanner`: what a probe looks like."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt

from gatetrail.policy.part import Name, Pattern, PolicyPart


class Burst(PolicyPart):
    """More than `limit` requests of one party within a sliding window are a scan."""

    limit: PositiveInt
    window_ms: Annotated[int, Field(ge=100, le=3_600_000)]


class ScannerPolicy(PolicyPart):
    """What a probe looks like. Tiers are never exempt, an administrator neither."""

    enabled: bool = True
    paths: tuple[Pattern, ...] | None = None
    """Path segments or sub-paths that only a probe asks for; None takes the built-in list."""
    extensions: tuple[Name, ...] | None = None
    """Endings of the last path segment, without the dot; None takes the built-in list."""
    agents: tuple[Name, ...] | None = None
    """Words in a user agent that name a scanner; None takes the built-in list."""
    anonymous_burst: Burst = Burst(limit=600, window_ms=10_000)
    """Per source address, for callers without a proven identity."""
    caller_burst: Burst = Burst(limit=50_000, window_ms=10_000)
    """Per proven user."""
    exempt_paths: tuple[Pattern, ...] = ()
    """Globs of normalised paths that are never probes here, for example `/admin/*`."""
    exempt_agents: tuple[Name, ...] = ()
    """Words in a user agent that make it no scanner, for a scanner that you run yourself."""
