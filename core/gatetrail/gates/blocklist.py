"""Gate 3: deny entries for tools, users, servers, departments and data domains. No tier is exempt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from gatetrail.call import Call
from gatetrail.gates.blockindex import BlockIndex
from gatetrail.gates.decision import PASS, Deny, GateResult, ReasonCode
from gatetrail.identity.caller import Authenticated, Caller
from gatetrail.policy.blocklist import BlockEntry
from gatetrail.policy.globs import compile_glob, is_literal

MAX_REMEMBERED = 16_384
"""Combinations of names whose entries are kept; the least recently used one makes room."""

_START = datetime(1970, 1, 1, tzinfo=UTC)


class Blocklist:
    """The entries of one policy. The first one that fits, in the order of the file, denies.

    An index finds the few entries that can fit, so ten thousand cost about as much as ten.
    """

    def __init__(self, entries: Sequence[BlockEntry]) -> None:
        self._entries = tuple(map(_compiled, entries))
        self._index = BlockIndex(entries)
        self._fitting = lru_cache(MAX_REMEMBERED)(self._find)

    def check(self, call: Call, caller: Caller, data_domains: tuple[str, ...], now_us: int) -> GateResult:
        """`now_us` is compared with the entries' expiry: from that moment on they are over."""
        proven = caller if isinstance(caller, Authenticated) else None
        user_id = proven.user_id if proven else None
        department = proven.department if proven else None
        entries = self._fitting(call.tool_name, call.server_name, user_id, department, data_domains)
        for entry in entries:
            if entry.expires_at_us is None or now_us < entry.expires_at_us:
                return entry.denial
        return PASS

    def _find(
        self,
        tool_name: str,
        server_name: str,
        user_id: str | None,
        department: str | None,
        data_domains: tuple[str, ...],
    ) -> tuple[_Entry, ...]:
        asked = Asked(
            tools=tool_name.casefold(),
            servers=server_name.casefold(),
            users=frozenset({user_id.casefold()} if user_id else ()),
            departments=frozenset({department.casefold()} if department else ()),
            data_domains=frozenset(domain.casefold() for domain in data_domains),
        )
        positions = self._index.candidates(
            {"tools": (asked.tools,), "servers": (asked.servers,)},
            {
                "users": asked.users,
                "departments": asked.departments,
                "data_domains": asked.data_domains,
            },
        )
        candidates = (self._entries[position] for position in sorted(positions))
        return tuple(entry for entry in candidates if entry.fits(asked))


@dataclass(frozen=True, slots=True)
class Asked:
    """The names of one call, case-folded."""

    tools: str
    servers: str
    users: frozenset[str]
    departments: frozenset[str]
    data_domains: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Names:
    """Literals and globs of which one has to fit; none at all fit always."""

    literals: frozenset[str]
    globs: tuple[re.Pattern[str], ...]

    def fit(self, name: str) -> bool:
        if name in self.literals or not (self.literals or self.globs):
            return True
        return any(glob.fullmatch(name) for glob in self.globs)


@dataclass(frozen=True, slots=True)
class _Entry:
    denial: Deny
    expires_at_us: int | None
    tools: _Names
    servers: _Names
    users: frozenset[str]
    departments: frozenset[str]
    data_domains: frozenset[str]

    def fits(self, asked: Asked) -> bool:
        return (
            self.tools.fit(asked.tools)
            and self.servers.fit(asked.servers)
            and (not self.users or not self.users.isdisjoint(asked.users))
            and (not self.departments or not self.departments.isdisjoint(asked.departments))
            and (not self.data_domains or not self.data_domains.isdisjoint(asked.data_domains))
        )


def _compiled(entry: BlockEntry) -> _Entry:
    return _Entry(
        denial=Deny(ReasonCode.BLOCKED, f"blocked by entry {entry.id!r}: {entry.reason}", rule_id=entry.id),
        expires_at_us=_microseconds(entry.expires_at) if entry.expires_at else None,
        tools=_names(entry.tools),
        servers=_names(entry.servers),
        users=_folded(entry.users),
        departments=_folded(entry.departments),
        data_domains=_folded(entry.data_domains),
    )


def _names(patterns: Sequence[str]) -> _Names:
    return _Names(
        _folded([pattern for pattern in patterns if is_literal(pattern)]),
        tuple(compile_glob(pattern) for pattern in patterns if not is_literal(pattern)),
    )


def _folded(names: Sequence[str]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)


def _microseconds(moment: datetime) -> int:
    since = moment - _START
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
