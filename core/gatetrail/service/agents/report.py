"""What an agent reports, whichever agent it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from gatetrail.policy.hooks import HookMoment

MAX_PAYLOAD_BYTES = 4 << 20
"""Of one report. What is longer is not read."""
MAX_DEPTH = 64
"""Of the JSON in one report."""


class Unreadable(Exception):
    """A report that says nothing that could be relied on; the text says why."""


@dataclass(frozen=True, slots=True)
class Report:
    """One moment in the life of an agent. All of it is what the agent says: none of it proves who speaks."""

    moment: HookMoment
    session_id: str
    tool_name: str | None = None
    """Always there when the moment is about a tool."""
    use_id: str | None = None
    """The agent's own id of that use of the tool."""
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    content: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What was said or came out. Never recorded, only its digest and length."""
    was_interrupted: bool = False
    subagent_id: str | None = None
    reason: str | None = None
    """How a session began or ended, which notification, which subagent: one word of the agent's."""
    permission_mode: str | None = None
    working_directory: str | None = None


class Agent(Protocol):
    """One kind of agent: how it reports, and which answers it understands."""

    @property
    def source(self) -> str:
        """Its name in the path of its reports, and in the record."""
        ...

    def is_harmless(self, body: bytes) -> bool:
        """Whether a report certainly asks for no permission.

        Never raises; False for what cannot be read, or only at a cost that is too much for a stranger.
        """
        ...

    def report_of(self, body: bytes) -> Report:
        """The report in a request's body. Raises `Unreadable`."""
        ...

    def approved(self) -> Mapping[str, Any]:
        """The answer that approves of a use in place of the agent's own rules."""
        ...

    def denied(self, reason: str) -> Mapping[str, Any]:
        """The answer that keeps the agent from using a tool."""
        ...

    def blocked(self, reason: str) -> Mapping[str, Any]:
        """The answer that keeps the agent from reading a prompt."""
        ...


def is_too_deep(value: object) -> bool:
    """Whether JSON is nested deeper than anybody means it. Level by level, so that no nesting can exhaust a stack."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for one in level for inner in _values_of(one) if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def _values_of(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()
