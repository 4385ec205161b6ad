"""What one tool, resource or prompt asks of its caller: its own entry over its server's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar, assert_never

from gatetrail.call import Endpoint, Kind
from gatetrail.identity.tiers import Tier
from gatetrail.limits import Taking
from gatetrail.policy.globs import compile_glob, is_literal
from gatetrail.policy.model import PolicyDocument
from gatetrail.policy.rate_limits import RateLimits
from gatetrail.policy.servers import Requirement, ServerPolicy, Unlisted

Thing = TypeVar("Thing")

MAX_REMEMBERED = 8_192
"""Names whose answer is kept; the least recently used one makes room, so invented names cost time only."""
MAX_REMEMBERED_CHARACTERS = 512
"""Of a name: URIs may be as long as a request."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What is asked of a caller, complete: nothing is left to be taken from elsewhere."""

    tier: Tier
    scopes: frozenset[str]
    """All of them are needed."""
    audiences: frozenset[str]
    """The token must be meant for all of them."""
    departments: frozenset[str]
    """One of them is needed; empty asks for none."""
    data_domains: tuple[str, ...]
    """Sorted."""
    time_limit_ms: int
    endpoint: Endpoint
    conceal: bool
    listed: bool
    """For tools, resources and prompts: named by the policy. For methods: allowed by it."""
    is_open: bool
    """True when the tier alone decides."""
    denied: bool
    """True when being unlisted means not to exist here."""
    shared_takings: tuple[Taking, ...] = ()
    """What a call takes of the limits that all callers share."""


class Resolver:
    """Answers for one policy document. The tool's own value replaces its server's, an empty one lifts it."""

    def __init__(self, document: PolicyDocument) -> None:
        self._servers = {
            name: _ServerResolver(name, server, document.default_time_limit_ms, document.rate_limits)
            for name, server in document.servers.items()
        }
        self._remembered = lru_cache(MAX_REMEMBERED)(self._resolve)

    def resolve(self, server_name: str, kind: Kind, name: str) -> Resolved | None:
        """None when the policy knows no such server."""
        find = self._remembered if len(name) <= MAX_REMEMBERED_CHARACTERS else self._resolve
        return find(server_name, kind, name)

    def _resolve(self, server_name: str, kind: Kind, name: str) -> Resolved | None:
        server = self._servers.get(server_name)
        return server.resolve(kind, name) if server else None


class _ServerResolver:
    def __init__(self, name: str, server: ServerPolicy, default_time_limit_ms: int, rates: RateLimits) -> None:
        self._name = name
        self._server = server
        self._rates = rates
        self._default_time_limit_ms = default_time_limit_ms
        self._tools = _Names(server.tools)
        self._resources = _Names(server.resources)
        self._prompts = _Names(server.prompts)

    def resolve(self, kind: Kind, name: str) -> Resolved:
        match kind:
            case Kind.TOOL:
                return self._listed(kind, self._tools.find(name))
            case Kind.RESOURCE:
                return self._listed(kind, self._resources.find(name))
            case Kind.PROMPT:
                return self._listed(kind, self._prompts.find(name))
            case Kind.METHOD:
                return self._merged(None, listed=name in self._server.methods, denied=False)
            case Kind.LISTING:
                return self._merged(None, listed=True, denied=False)
            case _:
                assert_never(kind)

    def _listed(self, kind: Kind, found: tuple[str, Requirement] | None) -> Resolved:
        denied = found is None and self._server.unlisted is Unlisted.DENY
        takings = tuple(self._shared_takings(kind, found))
        return self._merged(found and found[1], listed=found is not None, denied=denied, shared_takings=takings)

    def _shared_takings(self, kind: Kind, found: tuple[str, Requirement] | None) -> Iterator[Taking]:
        limit = self._rates.limit
        if self._server.rate_per_s is not None:
            yield Taking(f"server\0{self._name}", limit(self._server.rate_per_s))
        if found is not None and found[1].rate_per_s is not None:
            yield Taking(f"{kind.value}\0{self._name}\0{found[0]}", limit(found[1].rate_per_s))

    def _merged(
        self, own: Requirement | None, *, listed: bool, denied: bool, shared_takings: tuple[Taking, ...] = ()
    ) -> Resolved:
        server = self._server
        own = own or Requirement()
        audience = _first(own.audience, server.audience)
        scopes = _first(own.scopes, server.scopes) or frozenset()
        departments = _first(own.departments, server.departments) or frozenset()
        time_limit_ms = _first(own.time_limit_ms, server.time_limit_ms)
        return Resolved(
            tier=_first(own.tier, server.tier) or Tier.ANONYMOUS,
            scopes=scopes,
            audiences=frozenset({audience} if audience else ()),
            departments=departments,
            data_domains=tuple(sorted(_first(own.data_domains, server.data_domains) or ())),
            time_limit_ms=time_limit_ms or self._default_time_limit_ms,
            endpoint=server.endpoint,
            conceal=server.conceal,
            listed=listed,
            is_open=not (audience or scopes or departments),
            denied=denied,
            shared_takings=shared_takings,
        )


class _Names:
    """Exact names first, then names that differ in case only, then globs in the file's order."""

    def __init__(self, entries: Mapping[str, Requirement]) -> None:
        literals = {name: (name, entry) for name, entry in entries.items() if is_literal(name)}
        self._exact = literals
        self._folded = _first_of_each((name.casefold(), found) for name, found in literals.items())
        self._globs: tuple[tuple[re.Pattern[str], tuple[str, Requirement]], ...] = tuple(
            (compile_glob(pattern), (pattern, entry)) for pattern, entry in entries.items() if not is_literal(pattern)
        )

    def find(self, name: str) -> tuple[str, Requirement] | None:
        """The entry that counts, under its name in the policy."""
        if exact := self._exact.get(name):
            return exact
        folded = name.casefold()
        if same := self._folded.get(folded):
            return same
        for pattern, found in self._globs:
            if pattern.fullmatch(folded):
                return found
        return None


def _first_of_each(entries: Iterable[tuple[str, Thing]]) -> dict[str, Thing]:
    firsts: dict[str, Thing] = {}
    for name, entry in entries:
        firsts.setdefault(name, entry)
    return firsts


def _first(own: Thing | None, server: Thing | None) -> Thing | None:
    return server if own is None else own
