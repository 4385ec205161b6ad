"""What all parts of the policy file have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1, max_length=256)]
Pattern = Annotated[str, Field(min_length=1, max_length=256)]
"""A glob: `*` any characters, `?` one, everything else itself; upper and lower case are the same."""


class PolicyPart(BaseModel):
    """One section of the file, or an entry of one. Frozen. An unknown key may be a misspelt rule: it is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")
