"""The policy file's `scanner`: what a probe looks like."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt

from gatetrail.policy.part import Name, Pattern, PolicyPart


class Burst(PolicyPart):
    """More than `limit` requests of one party within a sliding window are a scan."""

    limit: PositiveInt
    window_ms: Annotated[int, Field(ge=100, le=3_600_000)]


class ShadowBursts(PolicyPart):
    """Bursts that are only tried."""

    anonymous_burst: Burst | None = None
    caller_burst: Burst | None = None


class Enumeration(PolicyPart):
    """More than `names` different names that do not exist, or that are hidden, within a sliding window are a scan.

    A name that is asked for again is no further one, so a client that insists on three wrong names is no scan. As many
    names again count as one probe towards the lock-out.
    """

    enabled: bool = True
    names: Annotated[int, Field(ge=1, le=1_000)] = 20
    window_s: Annotated[int, Field(ge=1, le=3_600)] = 60


class ProbeExemption(PolicyPart):
    """Where probes in arguments are what the tool is for. All that is named must fit; what is not named fits always."""

    tools: tuple[Pattern, ...] = ()
    servers: tuple[Pattern, ...] = ()
    path: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """A place in the arguments, as in `redaction.arguments`. None: all arguments."""


class ArgumentProbes(PolicyPart):
    """Values in arguments that as a whole are nothing but a probe; a text that speaks of probes is none."""

    enabled: bool = True
    exempt: tuple[ProbeExemption, ...] = ()


class Lockout(PolicyPart):
    """Who sends so many probes is kept out for a while: a proven user under his id, all others by their address.

    Each time is twice as long as the last one, until a party has been quiet for `max_duration_s`.
    """

    enabled: bool = True
    hits: Annotated[int, Field(ge=1, le=10_000)] = 10
    """As many probes as lock out. A burst counts as one in each of its windows."""
    decay_s: Annotated[int, Field(ge=1, le=86_400)] = 60
    """One probe is forgotten in each of these spans."""
    duration_s: Annotated[int, Field(ge=1, le=86_400)] = 60
    """How long the first time is."""
    max_duration_s: Annotated[int, Field(ge=1, le=604_800)] = 3_600
    """No time is longer."""


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
    enumeration: Enumeration = Enumeration()
    arguments: ArgumentProbes = ArgumentProbes()
    lockout: Lockout = Lockout()
    shadow: ShadowBursts | None = None
    """Bursts as they would stand here, not enforced: what they would have denied is recorded."""
