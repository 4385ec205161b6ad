"""Where traces go."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gatetrail.settings.values import Value

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def _endpoint(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is no URL; expected for example https://collector:4318/v1/traces") from None
    if parts.scheme not in {"http", "https"} or not host or not parts.path.strip("/"):
        raise ValueError("must be the whole URL, for example https://collector:4318/v1/traces")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("may hold neither user nor query, since it is shown in messages; credentials go into headers")
    return text


def _headers(headers: dict[str, Value]) -> dict[str, Value]:
    for name in headers:
        if not _HEADER.fullmatch(name):
            raise ValueError("a header's name may hold letters, digits and !#$%&'*+.^_`|~- only")
    return headers


class TraceSettings(BaseModel):
    """OpenTelemetry traces over OTLP/HTTP. Needs the extra `otel`: `pip install gatetrail[otel]`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    endpoint: Annotated[str, AfterValidator(_endpoint)] = Field(examples=["https://collector:4318/v1/traces"])
    """The whole URL; nothing is added to it."""
    headers: Annotated[dict[str, Value], AfterValidator(_headers)] = Field(
        default={}, examples=[{"authorization": {"from_file": "/run/secrets/otlp-token", "prefix": "Bearer "}}]
    )
    """Sent with each request. Files are read once, when the service starts."""
    sample_ratio: Annotated[float, Field(ge=0, le=1, examples=[0.1])] = 1.0
    """The share of traces that begin here and are kept; for others their beginner has decided. Events are all kept."""
    service_name: str = Field(default="gatetrail", min_length=1, max_length=256)
    """`service.name` of the resource."""
    timeout_ms: Annotated[int, Field(ge=100, le=60_000)] = 5_000
    """For one request. No call ever waits for it."""
