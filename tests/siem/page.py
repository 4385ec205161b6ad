"""What stands in siem-samples/README.md."""

from __future__ import annotations

import re

from siem.places import SAMPLES

PAGE = SAMPLES / "README.md"


def fenced(kind: str = "") -> list[str]:
    """The blocks of one kind, in their order; without a kind those that are commands."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [text for of_kind, text in found if of_kind == kind]


def between(mark: str) -> str:
    """What stands between two marks of a generated part."""
    begin, end = f"<!-- {mark}: begin -->\n", f"<!-- {mark}: end -->"
    return PAGE.read_text("utf-8").partition(begin)[2].partition(end)[0]
