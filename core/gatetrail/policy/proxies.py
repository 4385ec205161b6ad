"""The policy file's `identity.proxies`: who may vouch for users."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatetrail.identity.proxies.nonces import MAX_WINDOW_S
from gatetrail.identity.tiers import Tier
from gatetrail.policy.part import Name, PolicyPart

Network = Annotated[str, Field(min_length=1, max_length=64)]


class ProxyPolicy(PolicyPart):
    """A proxy that has signed its users in and says so in headers, with a key that service.yaml has.

    Headers from its networks that are not rightly signed are refused; those from anywhere else are stripped.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    """What it sends as `x-proxy-verified`, and what its keys are called in service.yaml."""
    networks: Annotated[tuple[Network, ...], Field(min_length=1, max_length=100)]
    """Where its connections come from: `10.1.2.0/24`, or single addresses. What headers say of addresses is not
    looked at."""
    audience: Name = "gatetrail"
    """What has to stand in `x-user-audience`."""
    window_s: Annotated[int, Field(ge=1, le=MAX_WINDOW_S)] = 30
    """A signature is good for so long before and after its timestamp, and once."""
    user_prefix: Annotated[str, Field(max_length=32)] = ""
    """Put before the user's id, so that none of its users passes for somebody of an issuer or of another proxy."""
    tiers: frozenset[Tier] | None = None
    """Those that it may name; a request that names another is refused. None: any."""
    default_tier: Tier = Tier.USER
    """For requests that name no tier; not above the ceiling."""
    ceiling_tier: Tier = Tier.USER
    """None of its users counts for more."""
    proof_s: Annotated[int, Field(ge=60, le=86_400)] = 3_600
    """An answer that has no end, such as a stream of events, is ended after so long and has to be asked for anew."""
