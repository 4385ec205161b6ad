"""What a hook that is asked can answer, and how that is read from a program's end or from HTTP."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Any, cast

import orjson

MAX_ANSWER_BYTES = 64 << 10
"""Of a body, and of each of a program's outputs; more is a failure."""
MAX_REASON_CHARACTERS = 1_000
"""Of a reason, before it is redacted and cut to what the record takes."""
EXIT_PASS, EXIT_DENY = 0, 2
OK, NO_CONTENT, FORBIDDEN = 200, 204, 403


@dataclass(frozen=True, slots=True)
class Passes:
    """It has nothing against it; or it was only told."""


@dataclass(frozen=True, slots=True)
class Denies:
    """It says no."""

    reason: str
    """In its own words, as they came: neither cleaned nor redacted. Empty when it has said none."""


Answer = Passes | Denies


class HookFailure(Exception):
    """There is no answer. The text says why, without anything that the hook has written."""

    def __init__(self, reason: str, *, may_pass: bool = False) -> None:
        self.may_pass = may_pass
        """Whether a second try can help."""
        super().__init__(reason)


def answer_of_exit(status: int, stdout: bytes, stderr: bytes) -> Answer:
    """0 passes, 2 denies; 0 with the JSON answer `deny` denies too. Raises `HookFailure` for all else."""
    if status < 0:
        raise HookFailure(f"it was ended by {_signal(-status)}")
    if status not in {EXIT_PASS, EXIT_DENY}:
        raise HookFailure(f"it ended with exit code {status}")
    told = _object(stdout)
    if status == EXIT_DENY:
        return Denies(_reason(told) or _text(stderr))
    return Passes() if told is None or "decision" not in told else _decision(told)


def answer_of_status(status: int, body: bytes) -> Answer:
    """204 passes, 403 denies, 200 says which in its JSON body. Raises `HookFailure` for all else."""
    if status == NO_CONTENT:
        return Passes()
    told = _object(body)
    if status == FORBIDDEN:
        return Denies(_reason(told))
    if status != OK:
        raise failure_of_status(status)
    if told is None:
        raise HookFailure("it answered HTTP 200 without a JSON object")
    return _decision(told)


def failure_of_status(status: int) -> HookFailure:
    """An HTTP status that is no answer."""
    return HookFailure(f"it answered HTTP {status}", may_pass=status in {408, 429} or status >= 500)  # noqa: PLR2004


def _decision(told: dict[str, Any]) -> Answer:
    match told.get("decision"):
        case "allow":
            return Passes()
        case "deny":
            return Denies(_reason(told))
        case _:
            raise HookFailure("its decision is neither allow nor deny")


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        told: object = orjson.loads(content)
    except ValueError:
        return None
    return cast("dict[str, Any]", told) if isinstance(told, dict) else None


def _reason(told: dict[str, Any] | None) -> str:
    reason = None if told is None else told.get("reason")
    return one_line(reason) if isinstance(reason, str) else ""


def _text(output: bytes) -> str:
    return one_line(output[: 4 * MAX_REASON_CHARACTERS].decode("utf-8", "replace"))


def one_line(text: str) -> str:
    """Without line breaks and other characters that steer a terminal, and not longer than it may be."""
    printable = "".join(one if one.isprintable() else " " for one in text[: 4 * MAX_REASON_CHARACTERS])
    return " ".join(printable.split())[:MAX_REASON_CHARACTERS]


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
