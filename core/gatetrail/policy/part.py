"""What all parts of the policy file have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

Name = Annotated[str, Field(min_length=1, max_length=256)]
Pattern = Annotated[str, Field(min_length=1, max_length=256)]
"""A glob: `*` any characters, `?` one, everything else itself; upper and lower case are the same."""

STRICT = ConfigDict(frozen=True, extra="forbid")
"""Frozen, and an unknown key is a mistake: a misspelt rule must not be a missing rule."""
