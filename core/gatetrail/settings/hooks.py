"""What hooks of the policy may reach, and how much of it at a time."""

from __future__ import annotations

import posixpath
import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gatetrail.settings.values import Value
from gatetrail.tls import ClientTls

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class HookSettings(BaseModel):
    """The policy belongs to the security team and runs as this service: so the platform team says what it may start."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    commands: tuple[str, ...] = Field(default=(), examples=[["/opt/gatetrail/hooks"]])
    """Absolute paths of programs that hooks may run, or of folders in which all programs may be run. Empty: none, and
    a policy with a command is refused. Name no shell and no interpreter: it would run whatever the policy says."""
    environment: frozenset[str] = Field(default=frozenset[str](), examples=[["LANG"]])
    """Variables of our own environment that commands may be given. Secrets stand there as well."""
    secrets: dict[str, Value | tuple[Value, Value]] = Field(
        default={}, repr=False, examples=[{"soc": {"from_file": "/run/secrets/gatetrail_soc"}}]
    )
    """By name, for the signatures of webhooks; at least 16 bytes each. Two while one takes over from the other: then
    both sign."""
    hosts: tuple[str, ...] | None = Field(default=None, examples=[["hooks.example.com", "*.internal.example.com"]])
    """Globs of the hosts that webhooks may go to. None: any."""
    tls: ClientTls | None = None
    """For https; None: the authorities of the system are believed."""
    max_running: Annotated[int, Field(ge=1, le=256)] = 8
    """Programs that are asked at a time, in each process; as many again are told at a time."""
    max_requests: Annotated[int, Field(ge=1, le=10_000)] = 64
    """Webhooks that are asked at a time, in each process."""
    max_waiting: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    """So many wait for their turn, for each hook that is told; what comes on top is dropped, and recorded so. Of those
    that are asked, so many wait together; what comes on top fails."""
    drain_ms: Annotated[int, Field(ge=0, le=60_000)] = 2_000
    """How long hooks that are told may go on when the service ends. What is left then is dropped, and recorded so."""

    @field_validator("commands")
    @classmethod
    def _plain(cls, commands: tuple[str, ...]) -> tuple[str, ...]:
        for path in commands:
            if not path.startswith("/") or path == "/" or posixpath.normpath(path) != path or path.startswith("//"):
                raise ValueError(f"{path}: expected the absolute path of a program or folder, without `..` or `//`")
        return commands

    @field_validator("environment")
    @classmethod
    def _variables(cls, environment: frozenset[str]) -> frozenset[str]:
        for name in environment:
            if not _VARIABLE.fullmatch(name) or name.startswith("GATETRAIL_"):
                raise ValueError(f"{name!r} cannot be given; expected a variable that is none of our own")
        return environment

    @field_validator("secrets")
    @classmethod
    def _named(cls, secrets: dict[str, Any]) -> dict[str, Any]:
        if any(not name.isprintable() or not name for name in secrets):
            raise ValueError("a secret needs a name that can be printed")
        return secrets
