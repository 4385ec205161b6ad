"""From signed headers of a trusted proxy to a proven caller, or to the reason why not."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from gatetrail.clock import Clock
from gatetrail.errors import SettingsInvalid, Unavailable
from gatetrail.identity.caller import Authenticated, AuthMethod, IdentityRefusal, Refused
from gatetrail.identity.claims import Claims
from gatetrail.identity.proven import proven
from gatetrail.identity.proxies.networks import Address, Network, address_of, networks_of
from gatetrail.identity.proxies.nonces import Nonces, Used
from gatetrail.identity.proxies.rules import ProxyRules
from gatetrail.identity.proxies.vouching import Headers, Vouched, vouched_in
from gatetrail.identity.signing import (
    AUDIENCE,
    CLIENT,
    CONTEXT,
    DEPARTMENT,
    PERMISSIONS,
    ROLES,
    SESSION,
    TIER,
    signature_of,
)
from gatetrail.identity.tiers import CallerType, Tier, lowest

ProxyKeys = Callable[[str], Sequence[bytes]]
"""The keys of a proxy by its name: two while one takes over from the other, none for a proxy that has none.
Raises `SettingsInvalid` when they cannot be read."""


@dataclass(frozen=True, slots=True)
class Vouching:
    """One request, as far as a signature is about it."""

    method: str
    target: bytes
    """The path and the query, as they came."""
    peer: str | None
    """The other end of the connection itself, whatever headers say."""
    headers: Headers
    """The identity headers alone, with all their repetitions."""
    has_authorization: bool


class ProxyVerifier:
    """Verifies what proxies vouch for, under the rules of the moment."""

    def __init__(self, keys: ProxyKeys, nonces: Nonces, clock: Clock) -> None:
        self._keys = keys
        self._nonces = nonces
        self._clock = clock
        self._rules: Sequence[ProxyRules] = ()
        self._networks: dict[str, tuple[Network, ...]] = {}

    def trusts(self, peer: str | None, rules: Sequence[ProxyRules]) -> bool:
        """Whether this could be one of the proxies: then its headers count, and must be right."""
        address = address_of(peer) if rules else None
        return address is not None and any(self._is_in(address, one, rules) for one in rules)

    def holds(self, caller: Authenticated, rules: Sequence[ProxyRules]) -> bool:
        """Whether what a proxy vouched for a while ago counts still, for an answer that has no end of its own."""
        proxy = next((one for one in rules if issuer_of(one) == caller.issuer), None)
        now_s, until_s = self._clock.now_us() / 1_000_000, caller.accepted_until_s
        in_time = until_s is not None and now_s < until_s
        return proxy is not None and in_time and proxy.ceiling_tier.satisfies(caller.token_tier)

    async def prove(self, asked: Vouching, rules: Sequence[ProxyRules]) -> Authenticated | Refused:
        """Whom the headers name. Waits for the store of nonces, and for a good signature only. Never raises."""
        vouched = vouched_in(asked.headers)
        if isinstance(vouched, str):
            return Refused(IdentityRefusal.PROXY_HEADERS_INVALID, f"the proxy's headers are not as expected: {vouched}")
        found = self._judge(asked, vouched, rules)
        if isinstance(found, Refused):
            return replace(found, claimed_user_id=vouched.user)
        proxy, caller = found
        refused = await self._refused_as_used(vouched, proxy)
        return caller if refused is None else replace(refused, claimed_user_id=caller.user_id)

    def _judge(
        self, asked: Vouching, vouched: Vouched, rules: Sequence[ProxyRules]
    ) -> tuple[ProxyRules, Authenticated] | Refused:
        if asked.has_authorization:
            reason = "a proxy vouches for a user and an Authorization header came along; expected one proof"
            return Refused(IdentityRefusal.PROOFS_MIXED, reason)
        proxy = self._known(asked, vouched, rules)
        if isinstance(proxy, Refused):
            return proxy
        refused = self._refused_by_signature(asked, vouched) or self._refused_by_time(vouched, proxy)
        return refused or _refused_by_audience(vouched, proxy) or _with(proxy, _caller_of(vouched, proxy))

    def _known(self, asked: Vouching, vouched: Vouched, rules: Sequence[ProxyRules]) -> ProxyRules | Refused:
        proxy = next((one for one in rules if one.name == vouched.proxy), None)
        if proxy is None:
            return Refused(IdentityRefusal.PROXY_UNKNOWN, "the policy knows no proxy of the name that the headers give")
        address = address_of(asked.peer)
        if address is None or not self._is_in(address, proxy, rules):
            reason = f"proxy {proxy.name!r} has no network with the address that the request came from"
            return Refused(IdentityRefusal.PROXY_UNKNOWN, reason)
        return proxy

    def _refused_by_signature(self, asked: Vouching, vouched: Vouched) -> Refused | None:
        try:
            keys = self._keys(vouched.proxy)
        except SettingsInvalid:
            return Refused(IdentityRefusal.PROXY_UNKNOWN, f"the key of proxy {vouched.proxy!r} cannot be read")
        if not keys:
            return Refused(IdentityRefusal.PROXY_UNKNOWN, f"service.yaml has no key for proxy {vouched.proxy!r}")
        text = vouched.text(asked.method, asked.target)
        fits = [hmac.compare_digest(signature_of(key, text), vouched.signature) for key in keys]
        if any(fits):
            return None
        reason = f"the signature does not fit the request and a key of proxy {vouched.proxy!r}"
        return Refused(IdentityRefusal.PROXY_SIGNATURE_INVALID, reason)

    def _refused_by_time(self, vouched: Vouched, proxy: ProxyRules) -> Refused | None:
        late_s = self._clock.now_us() / 1_000_000 - vouched.timestamp_s
        if abs(late_s) <= proxy.window_s:
            return None
        word = "ago" if late_s > 0 else "ahead"
        reason = f"the headers were signed {abs(late_s):.0f} s {word}; expected within {proxy.window_s} s"
        return Refused(IdentityRefusal.PROXY_TIMESTAMP_OUTSIDE, reason)

    async def _refused_as_used(self, vouched: Vouched, proxy: ProxyRules) -> Refused | None:
        since_s = float(vouched.timestamp_s - proxy.window_s)
        try:
            used = await self._nonces.use(proxy.name, vouched.nonce, since_s)
        except Unavailable:
            used = Used.UNKNOWN
        match used:
            case Used.FIRST:
                return None
            case Used.AGAIN:
                return Refused(IdentityRefusal.PROXY_NONCE_USED, "the headers were used before; each set is good once")
            case Used.UNKNOWN:
                reason = "nobody can tell now whether the headers were used before; try again later"
                return Refused(IdentityRefusal.PROXY_NONCES_AWAY, reason)

    def _is_in(self, address: Address, proxy: ProxyRules, rules: Sequence[ProxyRules]) -> bool:
        if rules is not self._rules:
            self._rules, self._networks = rules, {one.name: networks_of(one.networks) for one in rules}
        return any(address in network for network in self._networks[proxy.name])


def issuer_of(proxy: ProxyRules) -> str:
    """What stands as issuer for the users of a proxy. No issuer of tokens may be called so."""
    return f"proxy:{proxy.name}"


def _with(proxy: ProxyRules, caller: Authenticated | Refused) -> tuple[ProxyRules, Authenticated] | Refused:
    return caller if isinstance(caller, Refused) else (proxy, caller)


def _refused_by_audience(vouched: Vouched, proxy: ProxyRules) -> Refused | None:
    if proxy.audience in vouched.values[AUDIENCE].split():
        return None
    reason = f"the headers are not meant for us; expected {proxy.audience!r} in {AUDIENCE}"
    return Refused(IdentityRefusal.AUDIENCE_WRONG, reason)


def _caller_of(vouched: Vouched, proxy: ProxyRules) -> Authenticated | Refused:
    """Whom signed headers name, read by the same rules as a token's claims."""
    tier = _tier_of(vouched, proxy)
    if isinstance(tier, Refused):
        return tier
    said = vouched.values
    told = {
        "sub": f"{proxy.user_prefix}{vouched.user}",
        "iss": issuer_of(proxy),
        "aud": said[AUDIENCE].split(),
        "iat": float(vouched.timestamp_s),
        "exp": float(vouched.timestamp_s + proxy.window_s),
        "tier": tier,
        "scope": said.get(PERMISSIONS, ""),
        "roles": said.get(ROLES, "").split(),
        "department": said.get(DEPARTMENT),
        "client_id": said.get(CLIENT, proxy.name),
        "session_id": said.get(SESSION),
        "context_id": said.get(CONTEXT),
    }
    try:
        claims = Claims.model_validate(told)
    except ValidationError as error:
        detail = error.errors(include_input=False, include_url=False)[0]
        return Refused(IdentityRefusal.CLAIM_INVALID, f"the proxy's {detail['loc'][0]} is wrong: {detail['msg']}")
    until_s = float(vouched.timestamp_s + proxy.proof_s)
    caller_type = CallerType(claims.tier.value)
    return proven(claims, AuthMethod.PROXY, caller_type, expires_at_s=until_s, accepted_until_s=until_s)


def _tier_of(vouched: Vouched, proxy: ProxyRules) -> Tier | Refused:
    word = vouched.values.get(TIER)
    allowed = [*Tier] if proxy.tiers is None else [tier for tier in Tier if tier in proxy.tiers]
    said = proxy.default_tier if word is None else next((tier for tier in allowed if tier.value == word), None)
    if said is None:
        reason = f"{TIER} is no tier that proxy {proxy.name!r} may name; expected one of {', '.join(allowed) or 'none'}"
        return Refused(IdentityRefusal.CLAIM_INVALID, reason)
    return lowest(said, proxy.ceiling_tier)
