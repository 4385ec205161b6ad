"""Names of ours in formats whose keys are letters and digits only."""

from __future__ import annotations

import re

_NOT_IN_NAMES = re.compile("[^A-Za-z0-9]+")


def in_camel_case(key: str) -> str:
    """`policy_version` as `PolicyVersion`; everything that is neither letter nor digit parts words."""
    return "".join(word[0].upper() + word[1:] for word in _NOT_IN_NAMES.split(key) if word)
