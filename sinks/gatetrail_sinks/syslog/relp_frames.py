"""RELP's frames: `TXNR SP COMMAND SP DATALEN [SP DATA] LF` (the protocol's page in librelp's documentation)."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_TRANSACTION = 999_999_999
"""Number 0 is for hints of the server, which answer nothing."""
MAX_ANSWER_BYTES = 65_536
OK = b"200"

_HEADER = re.compile(rb"(\d{1,9}) ([A-Za-z]{1,32}) (\d{1,9})([ \n])")
_LONGEST_HEADER = 9 + 1 + 32 + 1 + 9 + 1


class ProtocolBroken(ConnectionError):
    """The receiver does not speak RELP, or not as we know it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One command or answer. The data of an answer is a code of three digits, a text, and more lines."""

    transaction: int
    command: bytes
    data: bytes

    def encoded(self) -> bytes:
        """The bytes on the wire."""
        space = b" " if self.data else b""
        return b"%d %b %d%b%b\n" % (self.transaction, self.command, len(self.data), space, self.data)

    @property
    def refusal(self) -> str | None:
        """What an answer says that is not 200, in one line."""
        if self.data[:3] == OK:
            return None
        return " ".join(self.data.partition(b"\n")[0].decode("utf-8", "replace").split()) or "an empty answer"


class FrameReader:
    """Takes bytes as they come and gives whole frames. Keeps `MAX_ANSWER_BYTES` at most."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete now. Raises `ProtocolBroken`."""
        data = self._rest + data
        frames: list[Frame] = []
        start = 0
        while (header := _HEADER.match(data, start)) is not None:
            length = int(header[3])
            _require(length <= MAX_ANSWER_BYTES, data[start:])
            _require((header[4] == b"\n") == (length == 0), data[start:])
            end = header.end() + length
            if length and len(data) <= end:
                break
            _require(not length or data[end : end + 1] == b"\n", data[start:])
            frames.append(Frame(int(header[1]), header[2], data[header.end() : end]))
            start = end + 1 if length else end
        else:
            begun = data[start : start + _LONGEST_HEADER]
            _require(b"\n" not in begun and len(begun) < _LONGEST_HEADER, begun)
        self._rest = data[start:]
        return frames


def _require(condition: object, seen: bytes) -> None:
    if not condition:
        raise ProtocolBroken(f"the receiver sent {seen[:40]!r}, which is no RELP")
