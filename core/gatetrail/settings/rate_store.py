"""Where the token buckets are."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from gatetrail.tls import ClientTls


class RateStoreType(StrEnum):
    """Who counts."""

    AUTO = "auto"
    """`memory` with one worker, `postgres` with several."""
    MEMORY = "memory"
    """Each process by itself: with N processes a caller has N times his rate."""
    POSTGRES = "postgres"
    """All processes that use the same database together."""
    VALKEY = "valkey"
    """All processes that use the same Valkey server together, on however many machines."""


class OnAway(StrEnum):
    """What counts while a shared store does not answer."""

    LOCAL = "local"
    """Buckets of each process alone, with the rate and the size divided by `processes`."""
    DENY = "deny"
    """No call passes: gate `rate_limit`, reason `rate_store_away`."""


class RateStoreSettings(BaseModel):
    """Where the token buckets are, and what counts while they are away."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    type: RateStoreType = Field(default=RateStoreType.AUTO, examples=["valkey"])
    url: SecretStr | None = Field(default=None, examples=["valkeys://gatetrail:PASSWORD@valkey.example.com:6379/0"])
    """For `valkey`: `valkey://[USER:PASSWORD@]HOST[:PORT][/DB]`, `valkeys://` for TLS, or `unix://PATH`."""
    url_file: Path | None = Field(default=None, examples=["/run/secrets/gatetrail_valkey"])
    """A file that holds the URL instead; line breaks at its end do not count. Read at the start."""
    tls: ClientTls | None = None
    """For `valkeys://`; None: the authorities of the system are believed."""
    limit_ms: Annotated[int, Field(ge=5, le=5_000)] = 100
    """A call that has no answer from the store after this long is decided without it, and so are those after it until
    the store answers again."""
    on_away: OnAway = OnAway.LOCAL
    processes: Annotated[int, Field(ge=1, le=100_000, examples=[8])] | None = None
    """How many processes share the store, over all machines; counts for `on_away: local` only. None: twice `workers`,
    which leaves room for a second machine or for a restart without a gap."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.url is not None and self.url_file is not None:
            raise ValueError("url and url_file are both set; give one of them")
        has_url = self.url is not None or self.url_file is not None
        if has_url is not (self.type is RateStoreType.VALKEY):
            raise ValueError("type valkey needs url or url_file, and no other type has one")
        if self.tls is not None and self.type is not RateStoreType.VALKEY:
            raise ValueError("tls is of use with type valkey only")
        return self

    def type_for(self, workers: int) -> RateStoreType:
        """What `auto` comes to."""
        if self.type is not RateStoreType.AUTO:
            return self.type
        return RateStoreType.POSTGRES if workers > 1 else RateStoreType.MEMORY

    def processes_for(self, workers: int) -> int:
        """How many share the store, as far as is known."""
        return self.processes or 2 * workers
