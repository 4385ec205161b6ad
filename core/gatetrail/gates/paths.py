"""Paths as a probe means them: decoded, lower case, without detours."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote_to_bytes

ROUNDS = 2
"""How often percent-encoding is undone; servers and frameworks in a row do it at most twice."""

_ENCODED_PERCENT = re.compile(r"%(?:25)+")
_WIDE = re.compile("%u00", re.IGNORECASE)
"""Of `%uXXXX`, which some servers read beside `%XX`, what stands for a single byte."""
_OVERLONG = re.compile(rb"[\xc0\xc1][\x80-\xbf]|\xe0[\x80\x81][\x80-\xbf]")
_HIDDEN_STEP = re.compile(
    r"%(?:25)*2e(?:%(?:25)*2e|\.)|\.%(?:25)*2e|\.\.%(?:25)*(?:2f|5c)|\.\.%c[01]%[89ab][0-9a-f]|%c0%ae|%e0%80%ae"
    r"|%u002e|\.{4}[/\\]{2}|\.\.;/|[．․]{2}|\.\.[∕⁄／＼]",
    re.IGNORECASE,
)
_END_OF_STRING = re.compile(r"\x00|%(?:25)*00", re.IGNORECASE)
HIDDEN_STEPS = 2
"""So many steps are no accident."""
_END_OF_NAME = re.compile(r"[;?#]")
_SPACES = "".join(chr(number) for number in range(0x3001) if chr(number).isspace())
_LOOKALIKES = {
    **dict.fromkeys((*range(0x20), 0x7F)),
    **dict.fromkeys(map(ord, "\\∕⁄／＼"), "/"),
    **dict.fromkeys(map(ord, "．․。"), "."),
    ord("％"): "%",
}
"""What some decoders make of these characters; control characters are dropped."""


def normalise_path(path: str) -> str:
    """The path that the most lenient server would look up; starts with `/`. Never raises, idempotent.

    The query is cut off, percent-encoding undone twice (however often the percent sign itself is
    encoded), overlong UTF-8 read as what it stands for, backslashes are slashes, `;parameters` and
    control characters are dropped, dot segments resolved, doubled slashes one, case folded.
    """
    segments: list[str] = []
    for segment in _segments(path):
        name = _END_OF_NAME.split(segment, maxsplit=1)[0].strip(_SPACES)
        if name == "..":
            del segments[-1:]
        elif name := name.rstrip(_SPACES + "."):
            segments.append(name)
    return "/" + "/".join(segments)


def readings(path: str) -> tuple[str, ...]:
    """`normalise_path`, and where a NUL may be the end for some, also what stands before it."""
    cut = _END_OF_STRING.split(path, maxsplit=1)
    return (normalise_path(path),) if len(cut) == 1 else (normalise_path(path), normalise_path(cut[0]))


def climbs(path: str) -> bool:
    """True when a path goes up beyond where it begins, in whatever way that is written. Never raises."""
    depth = 0
    for segment in _segments(path):
        name = _END_OF_NAME.split(segment, maxsplit=1)[0].strip(_SPACES)
        if name == "..":
            depth -= 1
            if depth < 0:
                return True
        elif name.rstrip(_SPACES + "."):
            depth += 1
    return False


def climbs_hidden(path: str) -> bool:
    """True when a path goes up by steps that are written so that not everybody sees them."""
    return len(_HIDDEN_STEP.findall(path)) >= HIDDEN_STEPS or (_HIDDEN_STEP.search(path) is not None and climbs(path))


def _segments(path: str) -> list[str]:
    """The path up to its query, decoded as the most lenient server would, cut at its slashes."""
    text = path.partition("?")[0].partition("#")[0].translate(_LOOKALIKES)
    for _ in range(ROUNDS):
        text = _decoded(text)
    text = text.replace("%", "")
    return (text.casefold() if text.isascii() else _compatible(text)).split("/")


def _compatible(text: str) -> str:
    """Without full-width and other compatible forms (NFKC and case folding, as in Unicode's chapter 3.13)."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded).translate(_LOOKALIKES).replace("%", "")


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    content = _WIDE.sub("%", _ENCODED_PERCENT.sub("%", text)).encode("utf-8", "surrogatepass")
    content = _OVERLONG.sub(_short_form, unquote_to_bytes(content))
    return content.decode("utf-8", "replace").translate(_LOOKALIKES)


def _short_form(match: re.Match[bytes]) -> bytes:
    """The ASCII character that an overlong sequence hides (RFC 3629, section 3 forbids these)."""
    *_, lead, last = match.group()
    return bytes([(lead & 1) << 6 | last & 0x3F])
