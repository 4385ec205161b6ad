"""MCP servers that the service puts behind the gate: our own by import, others by command or URL."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from gatetrail.settings.values import Value
from gatetrail.tls import ClientTls

BY_IMPORT = "(by import)"
BY_COMMAND = "(by command)"
BY_URL = "(by URL)"
SERVER_TAGS = frozenset({BY_IMPORT, BY_COMMAND, BY_URL})
"""What pydantic puts into the place of an error although it stands in no file."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_PROTOCOL_HEADERS = frozenset(
    {
        "accept",
        "connection",
        "content-length",
        "content-type",
        "host",
        "last-event-id",
        "mcp-method",
        "mcp-name",
        "mcp-protocol-version",
        "mcp-session-id",
        "transfer-encoding",
    }
)


class PythonServer(BaseModel):
    """An MCP server of ours that `serve` imports."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    python: str = Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", examples=["company.finance:server"])
    """`package.module:object`, the object being an MCPServer, a low-level Server or a FastMCP."""


class UpstreamSettings(BaseModel):
    """What holds for every server that is not ours, however it is reached."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    time_limit_ms: Annotated[int, Field(ge=1, le=3_600_000)] | None = None
    """A call to it ends as `timeout` after this long, even where the policy would let it run longer."""
    start_limit_ms: Annotated[int, Field(ge=100, le=600_000)] = 30_000
    """A start, or a connect, that is not done by then is given up and tried again."""
    retry_initial_ms: Annotated[int, Field(ge=10, le=600_000)] = 500
    """The wait before the first new try; it doubles from try to try."""
    retry_max_ms: Annotated[int, Field(ge=10, le=3_600_000)] = 30_000
    """The longest wait between two tries."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.retry_max_ms < self.retry_initial_ms:
            raise ValueError("retry_max_ms must be at least retry_initial_ms")
        return self


class CommandServer(UpstreamSettings):
    """A server that is started as a program of its own and spoken to over its stdin and stdout."""

    command: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        min_length=1, examples=[["npx", "-y", "@modelcontextprotocol/server-filesystem", "/srv/documents"]]
    )
    """Program and arguments; no shell reads them. The program is looked for on its own PATH."""
    environment: dict[str, Value] = {}
    """All that stands in the program's environment besides PATH and HOME, which are ours unless named here."""
    folder: Path | None = None
    """Where it runs; None: where the service does."""

    @field_validator("command")
    @classmethod
    def _printable(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        if any("\0" in part for part in command):
            raise ValueError("a command cannot have NUL characters")
        return command

    @field_validator("environment")
    @classmethod
    def _variables(cls, environment: dict[str, Any]) -> dict[str, Any]:
        for name in environment:
            if not _VARIABLE.fullmatch(name):
                raise ValueError(f"{name!r} cannot be a variable; expected letters, digits and underscores")
        return environment


class UrlServer(UpstreamSettings):
    """A server that is reached over streamable HTTP."""

    url: str = Field(examples=["https://tickets.example.com/mcp"])
    """Its endpoint, http or https. Credentials do not belong in it, but in `headers`."""
    headers: dict[str, Value] = Field(default={}, examples=[{"Authorization": {"from_env": "TICKETS_AUTHORIZATION"}}])
    """Sent with each request. What a caller sends is never passed on."""
    tls: ClientTls | None = None
    """For https; None: the authorities of the system are believed."""

    @field_validator("url")
    @classmethod
    def _is_an_endpoint(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            named, _ = parts.hostname, parts.port
        except ValueError:
            raise ValueError("is not a URL") from None
        if parts.scheme not in {"http", "https"} or not named:
            raise ValueError("expected http://HOST/PATH or https://HOST/PATH")
        if "@" in parts.netloc:
            raise ValueError("credentials do not belong in a URL; give them in headers")
        if parts.fragment:
            raise ValueError("an endpoint has no fragment (#)")
        return url

    @field_validator("headers")
    @classmethod
    def _sendable(cls, headers: dict[str, Any]) -> dict[str, Any]:
        for name in headers:
            if not _HEADER.fullmatch(name):
                raise ValueError(f"{name!r} cannot be the name of a header")
            if name.lower() in _PROTOCOL_HEADERS:
                raise ValueError(f"{name} belongs to the protocol and cannot be set")
        return headers

    @model_validator(mode="after")
    def _tls_with_https(self) -> Self:
        if self.tls is not None and not self.url.startswith("https:"):
            raise ValueError("tls is of no use with an http URL")
        return self


def _tag_of(server: Any) -> str | None:
    kinds = {"python": BY_IMPORT, "command": BY_COMMAND, "url": BY_URL}
    found = [tag for key, tag in kinds.items() if key in server] if isinstance(server, dict) else []
    if isinstance(server, PythonServer | CommandServer | UrlServer):
        return next(tag for key, tag in kinds.items() if hasattr(server, key))
    return found[0] if len(found) == 1 else None


HostedServer = Annotated[
    Annotated[PythonServer, Tag(BY_IMPORT)]
    | Annotated[CommandServer, Tag(BY_COMMAND)]
    | Annotated[UrlServer, Tag(BY_URL)],
    Discriminator(
        _tag_of,
        custom_error_type="server_kind",
        custom_error_message="Expected exactly one of python, command and url",
    ),
]
"""One server behind the gate; which kind it is, is told by which of three keys it has."""
