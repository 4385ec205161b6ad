"""What a bearer token says, checked for shape only; who may believe it is decided in `bearer`."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from gatetrail.call import MAX_ID_BYTES
from gatetrail.identity.tiers import CallerType, Tier

MAX_ENTRIES = 200
"""Scopes, roles and audiences that one token may carry."""

_NO_NUL = r"^[^\x00]*$"


def _words(value: Any) -> Any:
    """RFC 8693, section 4.2: `scope` is one text with spaces; some issuers send a list."""
    return value.split() if isinstance(value, str) else value


def _one_or_many(value: Any) -> Any:
    """RFC 7519, section 4.1.3: `aud` is one text or a list."""
    return [value] if isinstance(value, str) else value


Text = Annotated[str, Field(min_length=1, max_length=MAX_ID_BYTES, pattern=_NO_NUL)]
Texts = Annotated[list[Text], Field(max_length=MAX_ENTRIES)]
Seconds = Annotated[float, Field(ge=0, lt=1e11, allow_inf_nan=False)]
"""Seconds since 1970 (RFC 7519, section 2, NumericDate)."""


class Claims(BaseModel):
    """The claims that we read; any others are ignored."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    sub: Text
    iss: Text
    aud: Annotated[Texts, BeforeValidator(_one_or_many)]
    exp: Seconds
    iat: Seconds
    nbf: Seconds | None = None
    jti: Text | None = None
    tier: Annotated[Tier, Field(strict=False)]
    scope: Annotated[Texts, BeforeValidator(_words)] = []
    roles: Texts = []
    department: Text | None = None
    session_id: Text | None = None
    client_id: Text | None = None
    context_id: Text | None = None
    caller_type: Annotated[CallerType | None, Field(strict=False)] = None

    def derived_session(self) -> str:
        """A session id that stays the same for all calls that use this token, for where none is named."""
        identity = orjson.dumps([self.iss, self.sub, self.client_id, self.jti])
        return f"d-{hashlib.sha256(identity).hexdigest()[:32]}"
