"""The policy file's `identity`: what proves who calls."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt

from gatetrail.identity.tiers import Tier
from gatetrail.policy.part import Name, PolicyPart
from gatetrail.policy.proxies import ProxyPolicy

Place = Annotated[str, Field(min_length=1, max_length=2048)]
Leeway = Annotated[float, Field(ge=0, le=300)]


class KeysPolicy(PolicyPart):
    """Where the public keys of an issuer are: a JWKS (RFC 7517), in a file or behind a URL. Exactly one of them."""

    file: Place | None = None
    """An absolute path. The file is read again within seconds when it has changed."""
    url: Place | None = None
    """https, or http on this machine. The issuer's `/.well-known/openid-configuration` tells it as `jwks_uri`."""
    ca_file: Place | None = None
    """PEM certificates of the authorities that are believed for `url`, instead of those of the system."""
    max_stale_s: Annotated[int, Field(ge=60, le=86_400 * 30)] = 86_400
    """So long the last good keys stay in use while file or URL are away; then the issuer's tokens are refused."""


class IssuerPolicy(PolicyPart):
    """Somebody else who issues tokens, with keys of their own."""

    issuer: Name
    """Exactly what its tokens have as `iss`."""
    audience: Name
    algorithms: tuple[Name, ...] = ("RS256", "ES256", "EdDSA")
    """Allowed `alg` values."""
    keys: KeysPolicy
    leeway_s: Leeway = 5.0
    """Seconds by which clocks may differ."""
    max_lifetime_s: PositiveInt = 86_400
    """A token that is valid for longer than this is refused."""
    user_claim: Name = "sub"
    """The claim that says who it is. A dot leads into an object: `realm_access.roles`; a URL is one name."""
    user_prefix: Annotated[str, Field(max_length=32)] = ""
    """Put before the user's id, so that nobody of this issuer passes for somebody of another."""
    tier_claim: Name = "tier"
    """A tier, or a list in which tiers stand; the highest counts."""
    tiers: dict[Name, Tier] = Field(default={})
    """What words of `tier_claim` mean, such as `{gatetrail-operators: admin}`. If given, no other word is a tier."""
    default_tier: Tier | None = None
    """For tokens that name no tier. None: they are refused."""
    ceiling_tier: Tier = Tier.USER
    """No token of this issuer counts for more."""
    department_claim: Name = "department"
    roles_claim: Name = "roles"
    scope_claim: Name = "scope"
    """A text with blanks between scopes, or a list."""
    client_claim: Name = "client_id"


class IdentityPolicy(PolicyPart):
    """How a bearer token proves an identity. Its own issuer signs with the service's shared secret."""

    issuer: Name = "gatetrail"
    audience: Name = "gatetrail"
    algorithms: tuple[Name, ...] = ("HS256",)
    """Allowed `alg` values; a token that names another one is refused before its signature is looked at."""
    leeway_s: Leeway = 5.0
    """Seconds by which clocks may differ when `exp` and `nbf` are checked."""
    max_lifetime_s: PositiveInt = 86_400 * 30
    """A token that is valid for longer than this is refused."""
    shared_secret: bool | None = None
    """Whether tokens that are signed with the shared secret are taken. None: yes, unless there are `issuers`."""
    issuers: Annotated[tuple[IssuerPolicy, ...], Field(max_length=100)] = ()
    """Others whose tokens are taken, by public keys. Which of them it is, a token's `iss` alone tells."""
    proxies: Annotated[tuple[ProxyPolicy, ...], Field(max_length=100)] = ()
    """Those whose word for a user is taken, when it is signed. Identity headers from anybody else are stripped."""
    anonymous: bool = True
    """False: a request without a token is refused at the door instead of being decided as anonymous."""

    @property
    def by_secret(self) -> bool:
        """Whether tokens that are signed with the shared secret are taken."""
        return not self.issuers if self.shared_secret is None else self.shared_secret
