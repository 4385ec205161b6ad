"""Gate 3: deny entries for tools, users, servers, departments, data domains and arguments. No tier is exempt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from gatetrail.call import Call, Kind
from gatetrail.gates.argument_tests import CompiledTest
from gatetrail.gates.arguments import Looking, plain
from gatetrail.gates.blockindex import BlockIndex
from gatetrail.gates.decision import PASS, Deny, GateResult, ReasonCode
from gatetrail.gates.paths import normalise_path
from gatetrail.identity.caller import Authenticated, Caller
from gatetrail.policy.blocklist import BlockEntry
from gatetrail.policy.globs import compile_glob, is_literal

MAX_REMEMBERED = 16_384
"""Combinations of names whose entries are kept; the least recently used one makes room."""
MAX_REMEMBERED_CHARACTERS = 512
"""Of a name: URIs may be as long as a request, so that a few thousand would fill the memory."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):(.*)", re.DOTALL)
"""RFC 3986, section 3.1."""

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
        find = self._fitting if len(call.tool_name) <= MAX_REMEMBERED_CHARACTERS else self._find
        entries = find(call.kind, call.tool_name, call.server_name, user_id, department, data_domains)
        looking: Looking | None = None
        for entry in entries:
            if entry.expires_at_us is not None and now_us >= entry.expires_at_us:
                continue
            if not entry.tests:
                return entry.denial
            looking = looking or Looking(call.arguments)
            if (denial := entry.judge(looking)) is not None:
                return denial
        return PASS

    def _find(
        self,
        kind: Kind,
        tool_name: str,
        server_name: str,
        user_id: str | None,
        department: str | None,
        data_domains: tuple[str, ...],
    ) -> tuple[_Entry, ...]:
        asked = Asked(
            tools=names_of(kind, tool_name),
            servers=frozenset({server_name.casefold(), plain(server_name)}),
            users=frozenset({user_id.casefold()} if user_id else ()),
            departments=frozenset({department.casefold()} if department else ()),
            data_domains=frozenset(domain.casefold() for domain in data_domains),
        )
        positions = self._index.candidates(
            {"tools": asked.tools, "servers": asked.servers},
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
    """The names of one call, case-folded: of the tool and the server in each way that they can be meant."""

    tools: frozenset[str]
    servers: frozenset[str]
    users: frozenset[str]
    departments: frozenset[str]
    data_domains: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Names:
    """Literals and globs of which one has to fit; none at all fit always."""

    literals: frozenset[str]
    globs: tuple[re.Pattern[str], ...]

    def fit(self, names: frozenset[str]) -> bool:
        if not (self.literals or self.globs) or not self.literals.isdisjoint(names):
            return True
        return any(glob.fullmatch(name) for glob in self.globs for name in names)


@dataclass(frozen=True, slots=True)
class _Entry:
    denial: Deny
    unseen: Deny
    """For a call with more arguments than are looked at."""
    tests: tuple[CompiledTest, ...]
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

    def judge(self, looking: Looking) -> Deny | None:
        """What was not looked at counts as fitting: nobody gets past an entry by sending more."""
        denial = self.denial
        for test in self.tests:
            verdict = test.verdict(looking)
            if verdict is False:
                return None
            if verdict is None:
                denial = self.unseen
        return denial


def names_of(kind: Kind, name: str) -> frozenset[str]:
    """A name in lower case: as it came, without tricks of writing, and of a URI as its most lenient reader takes it."""
    names = {name.casefold(), plain(name)}
    if kind is Kind.RESOURCE and (parts := _SCHEME.match(name)):
        path = normalise_path(parts[2])
        names |= {f"{parts[1].casefold()}{slashes}{path}" for slashes in (":", ":/", "://")}
    return frozenset(names)


def _compiled(entry: BlockEntry) -> _Entry:
    return _Entry(
        denial=Deny(ReasonCode.BLOCKED, f"blocked by entry {entry.id!r}: {entry.reason}", rule_id=entry.id),
        unseen=Deny(ReasonCode.BLOCKED, _too_much(entry), rule_id=entry.id),
        tests=tuple(CompiledTest(test, entry.max_argument_bytes) for test in entry.arguments),
        expires_at_us=_microseconds(entry.expires_at) if entry.expires_at else None,
        tools=_names(entry.tools),
        servers=_names(entry.servers),
        users=_folded(entry.users),
        departments=_folded(entry.departments),
        data_domains=_folded(entry.data_domains),
    )


def _too_much(entry: BlockEntry) -> str:
    much = f"there is more in the arguments than the {entry.max_argument_bytes} bytes that it looks at"
    return f"blocked by entry {entry.id!r}, as {much}: {entry.reason}"


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
