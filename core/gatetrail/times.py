"""Times and durations as people type them."""

from __future__ import annotations

import re

from gatetrail.clock import from_rfc3339, rfc3339
from gatetrail.errors import WrongUse

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(?:\d{1,9}[smhdw])+")
_PART = re.compile(r"(\d+)([smhdw])")


def duration_s(text: str, option: str) -> int:
    """Whole seconds of `90s`, `15m`, `1h30m`, `2d` or `1w`. Raises `WrongUse`."""
    if not _DURATION.fullmatch(text):
        raise WrongUse(f"{option}: {text!r} is no duration; expected for example 90s, 15m, 1h30m, 2d or 1w")
    return sum(int(number) * _UNITS_S[unit] for number, unit in _PART.findall(text))


def moment(text: str | None, option: str, now_us: int) -> str | None:
    """RFC 3339 in UTC of a time, or of a duration that counts back from now. Raises `WrongUse`."""
    if text is None:
        return None
    try:
        if _DURATION.fullmatch(text):
            return rfc3339(max(now_us - duration_s(text, option) * 1_000_000, 0))
        return rfc3339(max(from_rfc3339(text), 0))
    except (ValueError, OverflowError, OSError):
        raise WrongUse(
            f"{option}: {text!r} is no time; expected for example 15m, 1h, 2d (that long ago)"
            " or 2026-01-31T08:00:00Z (with Z or an offset)"
        ) from None


def place(text: str, option: str, now_us: int) -> int | str:
    """A position in the journal, or RFC 3339 of a moment as `moment` reads it. Raises `WrongUse`."""
    if text.isascii() and text.isdecimal():
        return int(text)
    try:
        return moment(text, option, now_us) or ""
    except WrongUse as problem:
        raise WrongUse(f"{problem}, or a position such as 1200") from None
