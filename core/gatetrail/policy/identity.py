"""The policy file's `identity`: what proves who calls."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt

from gatetrail.policy.part import Name, PolicyPart


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
