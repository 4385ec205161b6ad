"""What the OTLP sink wants to know."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

import httpx2
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from gatetrail.tls import ClientTls

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_OWN_NAMES = frozenset(
    ("accept-encoding", "connection", "content-encoding", "content-length", "content-type", "host", "transfer-encoding")
)


class Compression(StrEnum):
    """How requests are packed; every OTLP receiver understands both (OTLP 1.10, protocol details)."""

    NONE = "none"
    GZIP = "gzip"


def checked_header(name: str, value: str) -> None:
    """Raise ValueError for a header that cannot be sent (RFC 9110 section 5); the text never holds the value."""
    if not _NAME.fullmatch(name):
        raise ValueError("a header's name may hold letters, digits and !#$%&'*+.^_`|~- only")
    if name.lower() in _OWN_NAMES:
        raise ValueError(f"the header {name} is set by the sink itself")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"the value of the header {name} must be printable ASCII without space around it")


def _endpoint(text: str) -> str:
    try:
        parts, url = urlsplit(text), httpx2.URL(text)
    except (ValueError, httpx2.InvalidURL):
        raise ValueError("is no URL; expected for example https://collector:4318/v1/logs") from None
    if parts.scheme not in {"http", "https"} or not url.host or not parts.path.strip("/"):
        raise ValueError("must be the whole URL, for example https://collector:4318/v1/logs")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("may hold neither user nor query, since it is shown in messages; credentials go into headers")
    return text


def _headers(headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
    for name, value in headers.items():
        checked_header(name, value.get_secret_value())
    return headers


class OtlpSettings(BaseModel):
    """An OTLP/HTTP receiver of logs: a collector or a vendor's intake."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    endpoint: Annotated[str, AfterValidator(_endpoint)] = Field(examples=["https://collector:4318/v1/logs"])
    """The whole URL; nothing is added to it."""
    headers: Annotated[dict[str, SecretStr], AfterValidator(_headers)] = Field(
        default={}, examples=[{"authorization": "Bearer …"}]
    )
    """Sent with each request."""
    headers_file: Path | None = Field(default=None, examples=["/run/secrets/otlp-headers"])
    """More of them, one `name: value` on a line, read before each request so that credentials can change."""
    tls: ClientTls | None = None
    """For an endpoint of https://, where the system's authorities and no certificate of ours do not fit."""
    compression: Compression = Compression.NONE
    timeout_ms: Annotated[int, Field(ge=100, le=120_000)] = 10_000
    """For one request, from connecting to the last byte of the answer."""

    @property
    def uses_tls(self) -> bool:
        """True for an https endpoint."""
        return self.endpoint.lower().startswith("https:")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.tls is not None and not self.uses_tls:
            raise ValueError("tls means nothing with an endpoint of http://")
        return self
