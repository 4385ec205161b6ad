"""Paths as a probe means them: decoded, lower case, without detours."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

ROUNDS = 2
"""How often percent-encoding is undone; servers and frameworks in a row do it at most twice."""

_ENCODED_PERCENT = re.compile(r"%(?:25)+")
_OVERLONG = re.compile(rb"[\xc0\xc1][\x80-\xbf]|\xe0[\x80\x81][\x80-\xbf]")
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
    text = path.partition("?")[0].partition("#")[0].translate(_LOOKALIKES)
    for _ in range(ROUNDS):
        text = _decoded(text)
    segments: list[str] = []
    for segment in text.replace("%", "").casefold().split("/"):
        name = _END_OF_NAME.split(segment, maxsplit=1)[0].strip(_SPACES)
        if name == "..":
            del segments[-1:]
        elif name := name.rstrip(_SPACES + "."):
            segments.append(name)
    return "/" + "/".join(segments)


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    content = _ENCODED_PERCENT.sub("%", text).encode("utf-8", "surrogatepass")
    content = _OVERLONG.sub(_short_form, unquote_to_bytes(content))
    return content.decode("utf-8", "replace").translate(_LOOKALIKES)


def _short_form(match: re.Match[bytes]) -> bytes:
    """The ASCII character that an overlong sequence hides (RFC 3629, section 3 forbids these)."""
    *_, lead, last = match.group()
    return bytes([(lead & 1) << 6 | last & 0x3F])
