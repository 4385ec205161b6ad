"""Where a client without a token learns who issues them: OAuth 2.0 Protected Resource Metadata (RFC 9728)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

WELL_KNOWN = "/.well-known/oauth-protected-resource"
"""RFC 9728, section 3.1: the resource's own path is put behind it."""

METADATA_KEY = "gatetrail.resource_metadata"
"""Where the outermost layer leaves in the ASGI scope how to find the document's URL."""

UrlOf = Callable[[Mapping[str, Any]], str | None]
"""From an ASGI scope to the URL of the document about what was asked for; None when our own name is not known."""


def metadata_url(scope: Mapping[str, Any]) -> str | None:
    """The document's URL for a challenge; None where nobody serves it."""
    url_of: UrlOf | None = scope.get(METADATA_KEY)
    return None if url_of is None else url_of(scope)
