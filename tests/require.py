"""What a test needs of its machine, said in one place."""

from __future__ import annotations

import os

import pytest


def require_or_skip(condition: object, reason: str) -> None:
    """Go on if `condition` holds; else skip, or fail where GATETRAIL_CI is set."""
    if condition:
        return
    if os.environ.get("GATETRAIL_CI"):
        pytest.fail(f"{reason}, and GATETRAIL_CI is set: nothing may be missing here")
    pytest.skip(reason)
