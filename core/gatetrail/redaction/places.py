"""Which places in a call's arguments the policy names, followed step by step on the way down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from gatetrail.policy.argument_path import Steps, onward, parse_path
from gatetrail.policy.check_redaction import action_of
from gatetrail.policy.globs import compile_glob
from gatetrail.policy.redaction import ArgumentRule, RedactionPolicy
from gatetrail.words import Action

MAX_REMEMBERED = 8_192


@dataclass(frozen=True, slots=True)
class _Way:
    """A rule on its way: the steps that are still to be taken. `rank` is its place in the file."""

    rank: int
    steps: Steps
    action: Action


@dataclass(frozen=True, slots=True)
class Place:
    """One place in the arguments: the rules that may end below it, and what is done here."""

    ways: tuple[_Way, ...] = ()
    action: Action | None = None
    """Of the first rule of the file that ends here."""

    def below(self, key: str | int) -> Place:
        """The place one name or one item further down."""
        if not self.ways:
            return self
        return _place(further for way in self.ways for further in _onward(way, key))


NOWHERE = Place()
"""Where no rule can end."""


class Places:
    """The argument rules of one policy."""

    def __init__(self, policy: RedactionPolicy) -> None:
        self._rules = [
            (_Names(rule), _Way(rank, parse_path(rule.path), action_of(policy, rule)))
            for rank, rule in enumerate(policy.arguments)
        ]
        self.of = lru_cache(MAX_REMEMBERED)(self._of)
        """`of(server_name, tool_name)`: the place from which all arguments of such a call hang."""

    def _of(self, server_name: str, tool_name: str) -> Place:
        if not self._rules:
            return NOWHERE
        server, tool = server_name.casefold(), tool_name.casefold()
        return Place(tuple(way for names, way in self._rules if names.fit(server, tool)))


class _Names:
    def __init__(self, rule: ArgumentRule) -> None:
        self._servers = [compile_glob(pattern) for pattern in rule.servers]
        self._tools = [compile_glob(pattern) for pattern in rule.tools]

    def fit(self, server: str, tool: str) -> bool:
        return all(
            not globs or any(glob.fullmatch(name) for glob in globs)
            for globs, name in ((self._servers, server), (self._tools, tool))
        )


def _place(ways: Iterable[_Way]) -> Place:
    # Twice `**` leads to the same place in many ways.
    found = tuple(dict.fromkeys(ways))
    ended = min((way for way in found if not way.steps), key=lambda way: way.rank, default=None)
    return Place(tuple(way for way in found if way.steps), ended.action if ended else None)


def _onward(way: _Way, key: str | int) -> Iterable[_Way]:
    return (_Way(way.rank, steps, way.action) for steps in onward(way.steps, key))
