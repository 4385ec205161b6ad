"""Where the receivers are, and how they and we prove who we are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from gatetrail.tls import ClientTls

Secret = Annotated[SecretStr, Field(min_length=1)]


class FluentdReceiver(BaseModel):
    """One `in_forward` of Fluentd or `forward` input of Fluent Bit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(min_length=1, examples=["fluentd.example", "192.0.2.7", "2001:db8::7"])
    """A name or an address of IPv4 or IPv6. All addresses of a name are tried."""
    port: int = Field(default=24224, ge=1, le=65_535)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class FluentdSettings(BaseModel):
    """One receiver or several that stand in for each other."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    receivers: tuple[FluentdReceiver, ...] = Field(
        min_length=1, examples=[[{"host": "fluentd-1.example"}, {"host": "fluentd-2.example", "port": 24225}]]
    )
    """In order of preference: a later one is used only while those before it do not answer."""
    tag: str = Field(default="gatetrail.audit", min_length=1)
    """What Fluentd's `<match>` looks at."""
    tls: ClientTls | None = None
    """Without it, events and user name travel in the clear."""
    shared_key: Secret | None = None
    """The key of the receiver's `<security>` section. Both sides prove that they have it."""
    shared_key_file: Path | None = None
    """A file that holds the key instead; a line break at its end does not count. Read anew at each connect."""
    user: str | None = Field(default=None, min_length=1)
    password: Secret | None = None
    password_file: Path | None = None
    """As `shared_key_file`."""
    self_hostname: str = Field(default="gatetrail", min_length=1)
    """The name that we give for ourselves with a shared key; must not be the receiver's own `self_hostname`."""
    connect_timeout_ms: Annotated[int, Field(ge=50, le=60_000)] = 5_000
    """For all of it: the name, all of its addresses, TLS, and shared key."""
    ack_timeout_ms: Annotated[int, Field(ge=50, le=600_000)] = 10_000
    """A batch that is not sent and acknowledged by then comes again; keep it below the limit of one write (30 s)."""
    return_after_ms: Annotated[int, Field(ge=0, le=86_400_000)] = 60_000
    """So long is a receiver that failed only asked when no other one works."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        _require_one_at_most("shared_key", self.shared_key, self.shared_key_file)
        _require_one_at_most("password", self.password, self.password_file)
        if (self.user is None) != (self.password is None and self.password_file is None):
            raise ValueError("give user and password (or password_file) together")
        if self.user is not None and not self.has_shared_key:
            raise ValueError("a user needs shared_key or shared_key_file as well: the protocol logs in with both")
        return self

    @property
    def has_shared_key(self) -> bool:
        return self.shared_key is not None or self.shared_key_file is not None


def _require_one_at_most(name: str, value: SecretStr | None, file: Path | None) -> None:
    if value is not None and file is not None:
        raise ValueError(f"give {name} or {name}_file, not both")
