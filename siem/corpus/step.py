"""What the product recorded of one step of the script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """The events of one step, in their order."""

    events: Sequence[Event]

    def only(self, name: str) -> Event:
        """The one event of this name. Raises ValueError when there is not exactly one."""
        found = [event for event in self.events if event["event_name"] == name]
        if len(found) != 1:
            raise ValueError(f"{len(found)} events {name} among {[event['event_name'] for event in self.events]}")
        return found[0]

    def id_of(self, name: str) -> str:
        """Of the one event of this name."""
        return str(self.only(name)["event_id"])

    @property
    def id(self) -> str:
        """Of the decision."""
        return self.id_of("tool_call.decided")


def ids(steps: Sequence[Step]) -> list[str]:
    """Of their decisions."""
    return [step.id for step in steps]
