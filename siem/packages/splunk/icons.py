"""The add-on's pictures, drawn here: a gate and the name, as PNG in two colours.

Written with stored blocks instead of compressed ones, so that the bytes do not depend on a version of zlib.
Source: PNG specification (third edition), chapters 5 and 11; RFC 1950; RFC 1951 section 3.2.4.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

INK = bytes((0x1F, 0x4E, 0x5F))
PAPER = bytes((0xFF, 0xFF, 0xFF))
"""Shown where nothing is drawn: not at all, for it is transparent. Ink of pictures for dark ground."""

GATE = (
    "..................",
    ".###..........###.",
    ".###..........###.",
    ".################.",
    ".################.",
    ".###..........###.",
    ".###.##.##.##.###.",
    ".###.##.##.##.###.",
    ".###.##.##.##.###.",
    ".###.##.##.##.###.",
    ".################.",
    ".################.",
    ".###.##.##.##.###.",
    ".###.##.##.##.###.",
    ".###.##.##.##.###.",
    ".###..........###.",
    ".###..........###.",
    "..................",
)

LETTERS = {
    "G": (".###.", "#...#", "#....", "#.###", "#...#", "#...#", ".###."),
    "a": (".....", ".....", ".###.", "....#", ".####", "#...#", ".####"),
    "e": (".....", ".....", ".###.", "#...#", "#####", "#....", ".###."),
    "i": ("#", ".", "#", "#", "#", "#", "#"),
    "l": ("#", "#", "#", "#", "#", "#", "#"),
    "r": ("....", "....", "#.##", "##..", "#...", "#...", "#..."),
    "t": (".#..", ".#..", "####", ".#..", ".#..", ".#..", "..##"),
}

Picture = Sequence[str]
"""Lines of equal length; `#` is ink."""


def icon(pixels: int, ink: bytes = INK) -> bytes:
    """The gate, square: 36 or 72 pixels wide. On dark ground Splunk shows the one whose name has `Alt`."""
    return png(_enlarged(GATE, pixels // len(GATE)), ink)


def logo(height_pixels: int) -> bytes:
    """The gate and the name, four times as wide as high: 40 or 80 pixels high."""
    unit = height_pixels // 20
    word = _word("Gatetrail")
    above, below = 6, 20 - 6 - len(word)
    text = ["." * len(word[0])] * above + list(word) + ["." * len(word[0])] * below
    gate = ["." * len(GATE), *GATE, "." * len(GATE)]
    lines = [f".{left}.{right}".ljust(80, ".") for left, right in zip(gate, text, strict=True)]
    return png(_enlarged(lines, unit))


def png(picture: Picture, ink: bytes = INK) -> bytes:
    """One bit a pixel, no filter."""
    rows = b"".join(b"\x00" + _packed(line) for line in picture)
    header = struct.pack(">IIBBBBB", len(picture[0]), len(picture), 1, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", PAPER + ink), (b"tRNS", b"\x00"), (b"IDAT", _stored(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _word(text: str) -> Picture:
    letters = [LETTERS[letter] for letter in text]
    return [".".join(letter[line] for letter in letters) for line in range(7)]


def _enlarged(picture: Picture, times: int) -> Picture:
    return ["".join(dot * times for dot in line) for line in picture for _ in range(times)]


def _packed(line: str) -> bytes:
    width_bytes = -(-len(line) // 8)
    bits = "".join("1" if dot == "#" else "0" for dot in line).ljust(width_bytes * 8, "0")
    return int(bits, 2).to_bytes(width_bytes, "big")


def _stored(data: bytes) -> bytes:
    """A zlib stream of one stored block, which holds at most 65,535 bytes."""
    block = struct.pack("<BHH", 1, len(data), len(data) ^ 0xFFFF)
    return b"\x78\x01" + block + data + struct.pack(">I", zlib.adler32(data))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
