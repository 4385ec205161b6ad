"""The events that hooks cause. No hook hangs on these, so none causes another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatetrail.events.fields import ID_KEYS
from gatetrail.events.model import HookFailed, HookRan
from gatetrail.events.stamp import Stamp
from gatetrail.policy.hooks import Hook
from gatetrail.words import Level


def ran(stamp: Stamp, hook: Hook, keys: Mapping[str, Any], latency_s: float, denial: str | None = None) -> HookRan:
    """A run that came to its end. `keys` are those of the moment; `denial` is why it denied, redacted."""
    level = Level.INFO if denial is None else Level.WARNING
    words = f"hook {hook.id} passed" if denial is None else f"hook {hook.id} denied: {denial}"
    return HookRan.model_validate(
        {
            **stamp(level, words),
            **_belonging(keys),
            "hook_id": hook.id,
            "hook_event": hook.event.value,
            "hook_action": "webhook" if hook.command is None else "command",
            "hook_outcome": "passed" if denial is None else "denied",
            "latency_ms": _milliseconds(latency_s),
            "reason": denial,
        }
    )


def failed(stamp: Stamp, hook: Hook, keys: Mapping[str, Any], reason: str) -> HookFailed:
    """A run without an answer, or none at all."""
    return HookFailed.model_validate(
        {
            **stamp(Level.WARNING, f"hook {hook.id} failed: {reason}"),
            **_belonging(keys),
            "hook_id": hook.id,
            "hook_event": hook.event.value,
            "reason": reason[:300],
        }
    )


def _belonging(keys: Mapping[str, Any]) -> dict[str, Any]:
    return {name: keys.get(name) for name in (*ID_KEYS, "execution_id")}


def _milliseconds(latency_s: float) -> int | float:
    rounded = round(max(latency_s, 0.0) * 1000, 3)
    return int(rounded) if rounded == int(rounded) else rounded
