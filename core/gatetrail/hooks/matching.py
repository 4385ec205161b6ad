"""Which hooks a moment concerns. Pure, and compiled once for each policy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gatetrail.call import Kind
from gatetrail.gates.blocklist import names_of
from gatetrail.hooks.facts import Facts
from gatetrail.policy.expressions import Expression, compile_expression
from gatetrail.policy.globs import compile_glob
from gatetrail.policy.hooks import ABOUT_TOOLS, Hook, HookMoment

REMEMBERED = 4_096
"""Pairs of server and tool whose hooks are known without a look; URIs of resources are without number."""

Globs = tuple[re.Pattern[str], ...]
Names = frozenset[str]
"""One name in each way that it can be meant, as the blocklist sees it; empty for none."""
Key = tuple[HookMoment, str | None, Kind, str | None]


class Matching:
    """The hooks of one policy."""

    def __init__(self, hooks: Sequence[Hook]) -> None:
        self.hooks = hooks
        compiled = [_compiled(hook) for hook in hooks]
        self._by_moment = {
            moment: tuple(one for one in compiled if one.hook.event is moment)
            for moment in {hook.event for hook in hooks}
        }
        self._known: dict[Key, tuple[_Compiled, ...]] = {}

    def of(self, moment: HookMoment, facts: Facts) -> tuple[Hook, ...]:
        """In the order of the file."""
        candidates = self._by_moment.get(moment)
        if candidates is None:
            return ()
        key = (moment, facts.server, facts.kind, facts.tool)
        named = self._known.get(key)
        if named is None:
            asked = _asked(facts)
            named = self._remember(key, tuple(one for one in candidates if one.names(asked)))
        return tuple(one.hook for one in named if one.fits(facts)) if named else ()

    def _remember(self, key: Key, found: tuple[_Compiled, ...]) -> tuple[_Compiled, ...]:
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[key] = found
        return found


@dataclass(frozen=True, slots=True)
class _Compiled:
    hook: Hook
    servers: Globs
    tools: Globs
    pattern: Expression | None
    users: Globs

    def names(self, asked: _Asked) -> bool:
        """Whether server and tool are those that it is for."""
        if self.hook.event not in ABOUT_TOOLS:
            return True
        if not (_fit(self.servers, asked.servers) and _fit(self.tools, asked.tools)):
            return False
        return self.pattern is None or any(self.pattern.search(written) for written in asked.written)

    def fits(self, facts: Facts) -> bool:
        """Whether everything else is."""
        match = self.hook.match
        if not _fit(self.users, frozenset({facts.user.casefold()} if facts.user else ())):
            return False
        if self.hook.event not in ABOUT_TOOLS:
            return True
        return facts.decision in match.decisions and (not match.gates or facts.gate in match.gates)


def _fit(globs: Globs, names: Names) -> bool:
    return not globs or any(glob.fullmatch(name) for glob in globs for name in names)


@dataclass(frozen=True, slots=True)
class _Asked:
    servers: Names
    tools: Names
    written: tuple[bytes, ...]
    """The tool as it came, too: expressions tell upper from lower case."""


def _asked(facts: Facts) -> _Asked:
    servers = names_of(Kind.TOOL, facts.server) if facts.server is not None else Names()
    tools = names_of(facts.kind, facts.tool) if facts.tool is not None else Names()
    written = tools if facts.tool is None else tools | {facts.tool}
    return _Asked(servers, tools, tuple(name.encode("utf-8", "replace") for name in written))


def _compiled(hook: Hook) -> _Compiled:
    match = hook.match
    return _Compiled(
        hook,
        _globs(match.servers),
        _globs(match.tools),
        None if match.pattern is None else compile_expression(match.pattern),
        _globs(match.users),
    )


def _globs(patterns: Sequence[str]) -> Globs:
    return tuple(compile_glob(pattern) for pattern in patterns)
