"""The policy file's shape. Data only: reading is in `policy.load`, deciding in `gates`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from gatetrail.call import Endpoint
from gatetrail.identity.tiers import Tier
from gatetrail.policy.part import STRICT, Name, Pattern
from gatetrail.policy.redaction import RedactionPolicy


class PolicyPart(BaseModel):
    """One section of the file, or an entry of one."""

    model_config = STRICT


class IdentityPolicy(PolicyPart):
    """How a bearer token proves an identity."""

    issuer: Name = "gatetrail"
    audience: Name = "gatetrail"
    algorithms: tuple[Name, ...] = ("HS256",)
    """Allowed `alg` values; a token that names another one is refused before its signature is looked at."""
    leeway_s: Annotated[float, Field(ge=0, le=300)] = 5.0
    """Seconds by which clocks may differ when `exp` and `nbf` are checked."""
    max_lifetime_s: PositiveInt = 86_400 * 30
    """A token that is valid for longer than this is refused."""
    anonymous: bool = True
    """False: a request without a token is refused at the door instead of being decided as anonymous."""


class Requirement(PolicyPart):
    """What a caller must have. On a tool, what is absent is taken from its server."""

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
    tools: dict[Pattern, Requirement] = {}
    """By name or glob. An exact name wins over a glob, an earlier glob over a later one."""
    resources: dict[Pattern, Requirement] = {}
    """The same by resource URI."""
    prompts: dict[Pattern, Requirement] = {}
    methods: frozenset[Name] = frozenset()
    """Further MCP methods that may pass; any method that is neither standard nor here is denied."""
    unlisted: Unlisted = Unlisted.INHERIT
    conceal: bool = True
    """True: a tool that the caller's proof does not reach answers like one that does not exist.
    False: the answer names gate, required and actual tier. The tool is absent from the list either way."""


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


class BlockEntry(PolicyPart):
    """One deny entry. All that it names must fit; what it does not name fits always."""

    id: Name
    tools: tuple[Pattern, ...] = ()
    users: tuple[Name, ...] = ()
    servers: tuple[Pattern, ...] = ()
    departments: tuple[Name, ...] = ()
    data_domains: tuple[Name, ...] = ()
    reason: Annotated[str, Field(min_length=1, max_length=300)]
    expires_at: AwareDatetime | None = None
    """The entry no longer counts from this moment on."""


class RateLimits(PolicyPart):
    """Token buckets: base rate of the endpoint × multiplier of the caller's tier."""

    base_per_s: dict[Endpoint, PositiveFloat] = {}
    """Calls per second by endpoint, over the built-in table."""
    burst_multiplier: Annotated[float, Field(ge=1)] = 3.0
    """A bucket holds this many seconds of its rate, at least one call."""
    tier_multipliers: dict[Tier, PositiveFloat] = {}
    """Over the built-in table."""
    max_callers: PositiveInt = 100_000
    """Buckets kept at most; only full ones are dropped, so nobody gains by it."""


class PolicyDocument(PolicyPart):
    """The whole file."""

    version: Annotated[int, Field(ge=1, le=1)] = 1
    """Of the file format, not of the content."""
    identity: IdentityPolicy = IdentityPolicy()
    servers: dict[Name, ServerPolicy] = {}
    scanner: ScannerPolicy = ScannerPolicy()
    blocklist: tuple[BlockEntry, ...] = ()
    rate_limits: RateLimits = RateLimits()
    redaction: RedactionPolicy = RedactionPolicy()
    default_time_limit_ms: PositiveInt = 30_000
    """For tools without a limit of their own."""


class Policy(BaseModel):
    """One snapshot: a document and the version (hash) that every decision made under it carries."""

    model_config = ConfigDict(frozen=True)

    document: PolicyDocument
    version: str
    """The first 16 hex digits of the SHA-256 of the validated document, so comments do not change it."""
    source: str
    """Where it was read from, for messages."""
