"""What a handshake agreed on, on its way from the server that shook hands to the layer that makes it durable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson
from mcp.server.context import HandlerResult
from mcp_types import InitializeRequestParams
from pydantic import BaseModel, ValidationError

from gatetrail.mcp.calls import Context, scope_of
from gatetrail.mcp.listings import part_of
from gatetrail.redaction import Redactor
from gatetrail.sessions import Handshake

OPENING_KEY = "gatetrail.opening"
"""Where the identity layer leaves an `Opening` in the scope of a request that may open a session."""
MAX_INITIALIZE_BYTES = 16_384
"""Of parameters that are longer, what is not in the specification is left out."""
MAX_NAME = 256
"""Characters that are kept of what a client calls itself."""
_FREE = ("experimental", "extensions")


@dataclass(slots=True)
class Opening:
    """Of one request; the handshake is None until there was one that succeeded."""

    handshake: Handshake | None = None


def note_handshake(context: Context, result: HandlerResult, server_name: str, redactor: Redactor) -> None:
    """Leave in the request's scope what another process would need to go on with the session."""
    opening = scope_of(context).get(OPENING_KEY)
    version: object = part_of(cast("BaseModel | Mapping[str, Any]", result), "protocol_version", "protocolVersion")
    params = _validated(context.params)
    if not isinstance(opening, Opening) or params is None or not isinstance(version, str):
        return
    name = _safe_text(params.client_info.name, redactor)[:MAX_NAME]
    said = _without_secrets(params.model_dump(mode="json", by_alias=True, exclude_none=True), redactor)
    opening.handshake = Handshake(server_name, version, _as_json(said) or _bare(version, name), name)


def _validated(params: Mapping[str, Any] | None) -> InitializeRequestParams | None:
    try:
        return InitializeRequestParams.model_validate(params or {}, by_name=False)
    except ValidationError:
        return None


def _as_json(said: dict[str, Any]) -> str | None:
    """None where it cannot be kept: too long, with a number that is, or in words that are hashed themselves."""
    said.pop("_meta", None)
    for _ in range(2):
        try:
            whole = orjson.dumps(said)
        except orjson.JSONEncodeError:
            return None
        if len(whole) <= MAX_INITIALIZE_BYTES:
            return whole.decode() if _validated(said) is not None else None
        for free in _FREE:
            said.get("capabilities", {}).pop(free, None)
        info = said.get("clientInfo", {})
        said["clientInfo"] = {key: str(info.get(key))[:MAX_NAME] for key in ("name", "version")}
    return None


def _bare(version: str, name: str) -> str:
    info = {"name": name, "version": ""}
    return orjson.dumps({"protocolVersion": version, "capabilities": {}, "clientInfo": info}).decode()


def _without_secrets(value: Any, redactor: Redactor) -> Any:
    """What a client says of itself is nobody's proof and nobody's secret: where it holds one, that is hashed."""
    if isinstance(value, str):
        return _safe_text(value, redactor)
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return {_safe_text(key, redactor): _without_secrets(item, redactor) for key, item in pairs}
    if isinstance(value, list):
        return [_without_secrets(item, redactor) for item in cast("list[object]", value)]
    return value


def _safe_text(text: str, redactor: Redactor) -> str:
    return redactor.key_of(text.replace("\0", ""))  # PostgreSQL stores no NUL
