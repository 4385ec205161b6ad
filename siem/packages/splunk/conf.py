"""Splunk's configuration files, written.

Source: help.splunk.com, Admin Manual, "Configuration file structure": stanzas in brackets, one setting a line, and a
line that ends in a backslash goes on in the next, line break included.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Stanza = Mapping[str, str]


class Unwritable(ValueError):
    """A value that a configuration file cannot hold as it is."""


def conf_text(stanzas: Iterable[tuple[str, Stanza]], heading: str) -> str:
    """A whole file, its heading as a comment. Raises `Unwritable`."""
    return "\n".join([f"# {heading}\n", *(_stanza(name, settings) for name, settings in stanzas)])


def _stanza(name: str, settings: Stanza) -> str:
    if "]" in name or "\n" in name:
        raise Unwritable(f"no name of a stanza: {name!r}")
    return "".join([f"[{name}]\n", *(f"{key} = {_value(value)}\n" for key, value in settings.items())])


def _value(text: str) -> str:
    """Lines after the first are continued. A line that ends in a backslash by itself would swallow the next."""
    lines = text.split("\n")
    for line in lines:
        if line.endswith("\\"):
            raise Unwritable(f"a line ends in a backslash: {line!r}")
    return " \\\n".join(line.rstrip() for line in lines)
