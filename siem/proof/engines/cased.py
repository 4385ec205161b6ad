"""Keeps small and capital letters apart in engines that would not.

pySigma's correlations for SQLite and the EQL engine for Python put `gus` and `Gus` into one group; none of the products
does (`stats` of Splunk, keywords of Elastic, facets of Datadog, GROUP BY of SQL).
"""

from __future__ import annotations

import re
from typing import Any

_APART = re.compile("[A-Z^]")


def told_apart(value: Any) -> Any:
    """A text in small letters, different for different texts; the same where it has no capitals. All else as it is."""
    if isinstance(value, str) and not value.islower():
        return _APART.sub(lambda letter: f"^{letter.group().lower()}", value)
    return value
