"""The policy file's `blocklist`: what nobody may do."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from gatetrail.policy.part import Name, Pattern, PolicyPart
from gatetrail.policy.redaction import Shape

MAX_ARGUMENT_BYTES = 262_144
"""So much of a call's arguments is looked at, unless an entry says something else."""

Scalar = StrictStr | StrictBool | StrictInt | StrictFloat


class ArgumentTest(PolicyPart):
    """What has to stand in a call's arguments. Exactly one of the tests, at one place or anywhere.

    Numbers, true, false and null are compared as their JSON text, a whole number also without its `.0`. Unless `exact`
    is set, upper and lower case, full-width forms, combining marks and unseen characters make no difference.
    """

    path: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """The place, as in `redaction.arguments`: all values at it and all keys and values below it. None: all keys and all
    values, wherever they stand."""
    equals: Scalar | None = None
    """The whole value."""
    glob: Pattern | None = None
    """The whole value: `*` any characters, `?` one."""
    pattern: Annotated[str, Field(min_length=1, max_length=1_000)] | None = None
    """Anywhere in a value, in RE2's syntax: time is linear in the value, whatever it holds."""
    secrets: bool = False
    """True: any built-in shape of a secret, anywhere in a value. Card numbers are none: name the shape for these."""
    shapes: tuple[Shape, ...] = ()
    """Any of these built-in shapes."""
    exact: bool = False
    """True: `equals`, `glob` and `pattern` see the value as it came, and nothing else."""


class BlockEntry(PolicyPart):
    """One deny entry. All that it names must fit; what it does not name fits always."""

    id: Name
    tools: tuple[Pattern, ...] = ()
    """Names of tools and prompts, and URIs of resources. Case, full-width forms and, in URIs, encodings and detours
    make no difference."""
    users: tuple[Name, ...] = ()
    servers: tuple[Pattern, ...] = ()
    departments: tuple[Name, ...] = ()
    data_domains: tuple[Name, ...] = ()
    arguments: Annotated[tuple[ArgumentTest, ...], Field(max_length=16)] = ()
    """All of them must fit."""
    max_argument_bytes: Annotated[int, Field(ge=1_024, le=4_194_304)] = MAX_ARGUMENT_BYTES
    """Of each place so much is looked at. What was not looked at counts as fitting, so a call with more is denied."""
    reason: Annotated[str, Field(min_length=1, max_length=300)]
    expires_at: AwareDatetime | None = None
    """The entry no longer counts from this moment on."""
    shadow: bool = False
    """True: it denies nothing; what it would have denied is recorded."""
