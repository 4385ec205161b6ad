"""What a command says to people, on stderr."""

from __future__ import annotations

import sys

from gatetrail.cli.terminal import coloured, printable, width_of_terminal

_RED, _YELLOW, _PLAIN = "\x1b[31;1m", "\x1b[33;1m", "\x1b[0m"


def say(text: str) -> None:
    """Some lines to a person."""
    for line in text.splitlines():
        _write(printable(line))


def warn(text: str) -> None:
    """Something that is allowed and probably not meant."""
    _labelled("warning", _YELLOW, text)


def say_error(text: str) -> None:
    """What went wrong; each line says whose error it is."""
    _labelled("error", _RED, text)


def _labelled(label: str, colour: str, text: str) -> None:
    shown = f"{colour}{label}{_PLAIN}" if coloured(sys.stderr) else label
    for line in text.splitlines():
        first, *more = _fitting(printable(line), len(f"gatetrail: {label}: "))
        _write(f"gatetrail: {shown}: {first}")
        for rest in more:
            _write(f"  {rest}")


def _fitting(line: str, taken: int) -> list[str]:
    """A line broken between words, on a terminal; `taken` cells of its first line are not free."""
    if not sys.stderr.isatty():
        return [line]
    from gatetrail.cli.cells import folded

    width = width_of_terminal()
    first, *rest = folded(line, width - taken)
    return [first, *(folded(" ".join(rest), width - 2) if rest else ())]


def _write(line: str) -> None:
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except OSError:  # nobody listens
        pass
