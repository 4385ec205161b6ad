"""What is well formed in `identity.proxies` and still cannot be meant; and what is worth a second look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_interface
from typing import Any

from gatetrail.identity.proxies.networks import network_of
from gatetrail.identity.strict_json import is_list, is_object
from gatetrail.identity.tiers import LEVELS, Tier
from gatetrail.policy.proxies import ProxyPolicy
from gatetrail.policy.source import Location

Complaint = tuple[Location, str]

_LEAST_BITS = 8


def proxy_complaints(proxies: Sequence[Any]) -> Iterator[Complaint]:
    """Place and message for each mistake in plain data; parts of a wrong type are left to others."""
    names: dict[str, int] = {}
    for position, proxy in enumerate(proxies):
        if not is_object(proxy):
            continue
        place: Location = ("identity", "proxies", position)
        yield from _about_networks(proxy, (*place, "networks"))
        yield from _about_tiers(proxy, place)
        name: object = proxy.get("name")
        if isinstance(name, str) and names.setdefault(name, position) != position:
            yield (*place, "name"), f"identity.proxies[{names[name]}] is called {name!r} already"


def proxy_warnings(proxies: Sequence[ProxyPolicy], prefixes: Mapping[str, str]) -> Iterator[Complaint]:
    """Place and message for each entry that may not do what is expected; `prefixes` are those of the issuers."""
    seen = dict(prefixes)
    for position, proxy in enumerate(proxies):
        place: Location = ("identity", "proxies", position)
        if other := seen.get(proxy.user_prefix):
            message = f"a user of this proxy and one of {other} with the same id are one; user_prefix keeps them apart"
            yield (*place, "user_prefix"), message
        seen.setdefault(proxy.user_prefix, f"proxy {proxy.name!r}")
        for number, text in enumerate(proxy.networks):
            network = network_of(text)
            if network is not None and network.prefixlen < _LEAST_BITS:
                yield (*place, "networks", number), "is a very large network; name the proxy's own addresses"


def _about_networks(proxy: Mapping[str, Any], place: Location) -> Iterator[Complaint]:
    texts: object = proxy.get("networks")
    for position, text in enumerate(texts if is_list(texts) else []):
        if isinstance(text, str) and network_of(text) is None:
            yield (*place, position), f"is no network; {_meant(text)}"


def _meant(text: str) -> str:
    try:
        return f"expected {ip_interface(text).network}, without bits behind its prefix"
    except ValueError:
        return "expected for example 10.1.2.0/24 or 10.1.2.3"


def _about_tiers(proxy: Mapping[str, Any], place: Location) -> Iterator[Complaint]:
    default, ceiling = _level(proxy.get("default_tier", Tier.USER)), _level(proxy.get("ceiling_tier", Tier.USER))
    if "default_tier" in proxy and default > ceiling:
        yield (*place, "default_tier"), "is above the ceiling_tier, which nobody can pass"


def _level(value: object) -> int:
    return LEVELS[Tier(value)] if isinstance(value, str) and value in [*Tier] else 0
