"""What a caller says beside its request, as far as it concerns the upstream."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from mcp_types import RequestParams

OURS = "io.modelcontextprotocol/"
"""Keys that speak of the connection between the caller and us: version, client, capabilities, tasks."""

PROGRESS_TOKEN = "progress_token"  # noqa: S105 -- the caller's name for what it wants to hear of
"""The SDK puts a token of its own in its place, where progress is wanted."""

Params = TypeVar("Params", bound=RequestParams)


def passed_on(params: Params) -> Params:
    """The parameters with only those keys of `_meta` that are meant for whoever carries the request out."""
    if params.meta is None:
        return params
    meta = cast("dict[str, Any]", params.meta)
    kept = {key: value for key, value in meta.items() if not key.startswith(OURS) and key != PROGRESS_TOKEN}
    return params.model_copy(update={"meta": kept or None})
