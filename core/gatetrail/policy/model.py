"""The whole policy file. Data only: reading is in `policy.load`, deciding in `gates`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from gatetrail.policy.blocklist import BlockEntry
from gatetrail.policy.hooks import Hook
from gatetrail.policy.identity import IdentityPolicy
from gatetrail.policy.part import Name, PolicyPart
from gatetrail.policy.rate_limits import RateLimits
from gatetrail.policy.redaction import RedactionPolicy
from gatetrail.policy.scanner import ScannerPolicy
from gatetrail.policy.servers import ServerPolicy


class PolicyDocument(PolicyPart):
    """The whole file."""

    version: Annotated[int, Field(ge=1, le=1)] = 1
    """Of the file format, not of the content."""
    identity: IdentityPolicy = IdentityPolicy()
    servers: dict[Name, ServerPolicy] = Field(default={})
    scanner: ScannerPolicy = ScannerPolicy()
    blocklist: tuple[BlockEntry, ...] = ()
    rate_limits: RateLimits = RateLimits()
    hooks: tuple[Hook, ...] = ()
    """In the order of the file."""
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
