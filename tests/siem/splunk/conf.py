"""Splunk's configuration files, read.

Source: help.splunk.com, Admin Manual, "Configuration file structure": `#` begins a comment at the begin of a line only;
a line that ends in a backslash goes on in the next, and the line break stays in the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from siem.packages.splunk.about import FOLDER
from siem.places import SAMPLES

ADD_ON = SAMPLES / FOLDER
DEFAULT = ADD_ON / "default"

Conf = Mapping[str, Mapping[str, str]]


class NoConf(ValueError):
    """A line that Splunk would not understand, or a setting that is there twice."""


def read(path: Path) -> Conf:
    """Stanzas and their settings. Raises `NoConf`."""
    stanzas: dict[str, dict[str, str]] = {}
    settings: dict[str, str] | None = None
    for line in _lines(path.read_text("utf-8")):
        if stanza := re.fullmatch(r"\[([^\]\n]*)\]", line):
            if stanza[1] in stanzas:
                raise NoConf(f"{path.name}: [{stanza[1]}] is there twice")
            settings = stanzas[stanza[1]] = {}
        elif settings is None or (setting := re.fullmatch(r"([\w.:-]+) *= *(.*)", line, re.DOTALL)) is None:
            raise NoConf(f"{path.name}: {line!r}")
        elif setting[1] in settings:
            raise NoConf(f"{path.name}: {setting[1]} is there twice")
        else:
            settings[setting[1]] = setting[2]
    return stanzas


def conf(name: str) -> Conf:
    """A file of the add-on, by its name without the end."""
    return read(DEFAULT / f"{name}.conf")


def _lines(text: str) -> Iterator[str]:
    """Whole settings, continued lines put together, without comments and empty lines."""
    for line in re.sub(r"\\\n", "\r", text).split("\n"):
        whole = line.replace("\r", "\n").rstrip()
        if whole and not whole.startswith("#"):
            yield whole
