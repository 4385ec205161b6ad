"""The policy file's `servers`: what each server and each of its tools asks of a caller."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, PositiveFloat, PositiveInt

from gatetrail.call import Endpoint
from gatetrail.identity.tiers import Tier
from gatetrail.policy.part import Name, Pattern, PolicyPart


class Demand(PolicyPart):
    """What a caller must have."""

    tier: Tier | None = None
    scopes: frozenset[Name] | None = None
    """All of them are needed."""
    audience: Name | None = None
    """The token's `aud` must contain it, beside the audience of `identity`."""
    departments: frozenset[Name] | None = None
    """The caller must be in one of them."""
    data_domains: frozenset[Name] | None = None
    """What kind of data is touched; the blocklist can deny by it."""
    time_limit_ms: PositiveInt | None = None
    """The handler's limit; a call that takes longer ends as `timeout`."""
    rate_per_s: PositiveFloat | None = Field(default=None, examples=[20])
    """Calls per second of all callers together, beside what each caller may. Not taken from the server: a tool's
    calls count for the tool and for its server, and one is made only if all have room. Lists and pings do not count."""


class Requirement(Demand):
    """What a caller must have. On a tool, what is absent is taken from its server."""

    shadow: Demand | None = None
    """The same keys as they would stand here, not enforced: what they would have denied is recorded."""


class Unlisted(StrEnum):
    """What happens to tools that the policy does not list by name or glob."""

    INHERIT = "inherit"
    """They are under their server's own requirement."""
    DENY = "deny"
    """They are denied and hidden, as if they did not exist."""


class ServerPolicy(Requirement):
    """One MCP server: its own requirement, and what differs for single tools, resources and prompts."""

    tier: Tier | None = Tier.USER
    endpoint: Endpoint = Endpoint.MCP
    tools: dict[Pattern, Requirement] = Field(default={})
    """By name or glob. An exact name wins over a glob, an earlier glob over a later one."""
    resources: dict[Pattern, Requirement] = Field(default={})
    """The same by resource URI."""
    prompts: dict[Pattern, Requirement] = Field(default={})
    methods: frozenset[Name] = frozenset()
    """Further MCP methods that may pass; any method that is neither standard nor here is denied."""
    unlisted: Unlisted = Unlisted.INHERIT
    conceal: bool = True
    """True: a tool that the caller's proof does not reach answers like one that does not exist.
    False: the answer names gate, required and actual tier. The tool is absent from the list either way."""
