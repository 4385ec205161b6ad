"""What is well formed in `identity` and still cannot be meant; and what can be meant and is worth a second look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from gatetrail.identity.keys.key import ASYMMETRIC, SYMMETRIC
from gatetrail.identity.keys.place import wrong_with_url
from gatetrail.identity.strict_json import is_list, is_object
from gatetrail.identity.tiers import Tier
from gatetrail.policy.check_proxies import proxy_complaints, proxy_warnings
from gatetrail.policy.identity import IdentityPolicy, IssuerPolicy
from gatetrail.policy.source import Location

PROXY_ISSUER = "proxy:"

Complaint = tuple[Location, str]
Data = Mapping[str, Any]


def identity_complaints(identity: Data) -> Iterator[Complaint]:
    """Place and message for each mistake in plain data; parts of a wrong type are left to others."""
    if str(identity.get("issuer", "")).startswith(PROXY_ISSUER):
        yield ("identity", "issuer"), f"names that begin with {PROXY_ISSUER!r} are those of identity.proxies"
    yield from _about_algorithms(identity, ("identity", "algorithms"), SYMMETRIC, "the shared secret")
    proxies: object = identity.get("proxies")
    yield from proxy_complaints(proxies if is_list(proxies) else [])
    issuers: object = identity.get("issuers")
    if not is_list(issuers):
        return
    for position, issuer in enumerate(issuers):
        if is_object(issuer):
            yield from _about_issuer(issuer, ("identity", "issuers", position))
    yield from _about_names(identity, issuers)


def identity_warnings(policy: IdentityPolicy) -> Iterator[Complaint]:
    """Place and message for each entry that may not do what is expected of it."""
    if not policy.by_secret and not policy.issuers:
        yield ("identity", "shared_secret"), "no token is taken from anybody, since there are no issuers either"
    prefixes = {"": "the shared secret"} if policy.by_secret else {}
    for position, issuer in enumerate(policy.issuers):
        place: Location = ("identity", "issuers", position)
        if other := prefixes.get(issuer.user_prefix):
            message = f"a user of this issuer and one of {other} with the same id are one; user_prefix keeps them apart"
            yield (*place, "user_prefix"), message
        prefixes.setdefault(issuer.user_prefix, repr(issuer.issuer))
        yield from _about_ceiling(issuer, place)
    yield from proxy_warnings(policy.proxies, prefixes)


def _about_ceiling(issuer: IssuerPolicy, place: Location) -> Iterator[Complaint]:
    for word, tier in issuer.tiers.items():
        if not issuer.ceiling_tier.satisfies(tier):
            yield (*place, "tiers", word), f"counts as {issuer.ceiling_tier}, since ceiling_tier allows no more"


def _about_issuer(issuer: Data, place: Location) -> Iterator[Complaint]:
    yield from _about_algorithms(issuer, (*place, "algorithms"), ASYMMETRIC, "the public keys of `keys`")
    keys: object = issuer.get("keys")
    if is_object(keys):
        yield from _about_keys(keys, (*place, "keys"))
    default, ceiling = _tier(issuer.get("default_tier")), _tier(issuer.get("ceiling_tier", Tier.USER.value))
    if default is not None and ceiling is not None and not ceiling.satisfies(default):
        yield (*place, "default_tier"), f"{default} is above the ceiling_tier {ceiling}, which no token can pass"


def _about_algorithms(part: Data, place: Location, possible: Sequence[str], what: str) -> Iterator[Complaint]:
    names: object = part.get("algorithms")
    if names == []:
        yield place, f"names no algorithm; {_expected(possible)}"
    for position, name in enumerate(names if is_list(names) else []):
        if not isinstance(name, str) or name in possible:
            continue
        yield (*place, position), f"algorithm {name!r} does not go with {what}; {_expected(possible)}{_hint(name)}"


def _hint(name: str) -> str:
    if name in ASYMMETRIC:
        return "; public keys belong to an entry of identity.issuers"
    if name in SYMMETRIC:
        return "; else whoever can read the keys, and that is everybody, could sign"
    return ""


def _about_keys(keys: Data, place: Location) -> Iterator[Complaint]:
    file, url, ca_file = keys.get("file"), keys.get("url"), keys.get("ca_file")
    if (file is None) == (url is None):
        yield place, "expected exactly one of file and url"
    for name, path in (("file", file), ("ca_file", ca_file)):
        if isinstance(path, str) and not PurePath(path).is_absolute():
            yield (*place, name), "expected an absolute path, since the service may run in any folder"
    if isinstance(url, str) and (wrong := wrong_with_url(url)):
        yield (*place, "url"), wrong
    if ca_file is not None and not (isinstance(url, str) and url.startswith("https:")):
        yield (*place, "ca_file"), "is of no use without an https url"


def _about_names(identity: Data, issuers: Sequence[Any]) -> Iterator[Complaint]:
    seen: dict[str, str] = {}
    if identity.get("shared_secret") is True or not issuers:
        seen[str(identity.get("issuer", "gatetrail"))] = "the shared secret (identity.issuer)"
    for position, issuer in enumerate(issuers):
        name: object = issuer.get("issuer") if is_object(issuer) else None
        if not isinstance(name, str):
            continue
        place: Location = ("identity", "issuers", position, "issuer")
        if name.startswith(PROXY_ISSUER):
            yield place, f"names that begin with {PROXY_ISSUER!r} are those of identity.proxies"
        if name in seen:
            yield place, f"the issuer {name!r} belongs to {seen[name]} already; issuers are told apart by their names"
        seen.setdefault(name, f"identity.issuers[{position}]")


def _tier(value: object) -> Tier | None:
    return Tier(value) if isinstance(value, str) and value in [*Tier] else None


def _expected(possible: Sequence[str]) -> str:
    return f"expected {possible[0]}" if len(possible) == 1 else f"expected some of {', '.join(possible)}"
