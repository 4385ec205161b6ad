"""A value that a service gets: written out, or found in the environment or in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, SecretStr, Tag

WRITTEN = "(written out)"
FROM_ENVIRONMENT = "(from the environment)"
FROM_FILE = "(from a file)"
VALUE_TAGS = frozenset({WRITTEN, FROM_ENVIRONMENT, FROM_FILE})
"""What pydantic puts into the place of an error although it stands in no file."""


class FromEnvironment(BaseModel):
    """The content of a variable of our own environment, read once, when the service starts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_env: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", examples=["TICKETS_TOKEN"])
    prefix: str = Field(default="", examples=["Bearer "])
    """What stands before it."""


class FromFile(BaseModel):
    """The content of a file, read anew at each connect; line breaks at its end do not count."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_file: Path = Field(examples=["/run/secrets/tickets-token"])
    prefix: str = Field(default="", examples=["Bearer "])
    """What stands before it."""


def _tag_of(value: Any) -> str | None:
    if isinstance(value, str | SecretStr):
        return WRITTEN
    if isinstance(value, FromEnvironment) or (isinstance(value, dict) and "from_env" in value):
        return FROM_ENVIRONMENT
    if isinstance(value, FromFile) or (isinstance(value, dict) and "from_file" in value):
        return FROM_FILE
    return None


Value = Annotated[
    Annotated[SecretStr, Tag(WRITTEN)]
    | Annotated[FromEnvironment, Tag(FROM_ENVIRONMENT)]
    | Annotated[FromFile, Tag(FROM_FILE)],
    Discriminator(
        _tag_of,
        custom_error_type="value_kind",
        custom_error_message="Expected a text, {from_env: NAME} or {from_file: PATH}",
    ),
]
"""Never shown: a value that is written out may be a secret as well."""
