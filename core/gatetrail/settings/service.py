"""The platform team's settings: from `service.yaml`, then over it `GATETRAIL_*`, then over both the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gatetrail.settings.agents import AgentSettings
from gatetrail.settings.hooks import HookSettings
from gatetrail.settings.journal import JournalSettings
from gatetrail.settings.logs import LogSettings
from gatetrail.settings.rate_store import RateStoreSettings
from gatetrail.settings.servers import HostedServer
from gatetrail.settings.sessions import SessionSettings
from gatetrail.settings.stream import StreamSettings
from gatetrail.settings.traces import TraceSettings
from gatetrail.settings.values import Value

Port = Annotated[int, Field(ge=0, le=65_535)]


def _public(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in {"http", "https"} or not host or '"' in url:
        raise ValueError("expected for example https://gate.example.com")
    if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("may have a scheme, a host and a port, and nothing behind them")
    return f"{parts.scheme}://{parts.netloc}"


class ServiceSettings(BaseSettings):
    """Everything that the process needs to know from outside, validated once, at the composition root."""

    model_config = SettingsConfigDict(
        env_prefix="GATETRAIL_",
        env_nested_delimiter="__",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        env_ignore_empty=True,
    )

    dsn: SecretStr | None = None
    """PostgreSQL 15 or newer, as a libpq URL or keyword string. None: the embedded server in the data folder."""
    dsn_file: Path | None = Field(default=None, examples=["/run/secrets/gatetrail_dsn"])
    """A file that holds the DSN instead; line breaks at its end do not count. Read at the start."""
    data_dir: Path | None = None
    """Where the embedded server, the spool and generated secrets live. None: the user's data folder."""
    policy: Path | None = None
    """None: the sample policy."""
    policy_shadow: Path | None = Field(default=None, examples=["/etc/gatetrail/policy.next.yaml"])
    """Another policy, decided beside the one in force for every call and only recorded: what it would have said stands
    in the event of the decision. None: no other policy is tried."""
    watch_policy: bool = True
    """True: a changed policy file comes in force by itself. False: only when it is asked for, by SIGHUP or by
    `POST /v1/policy/reload`."""
    jwt_secret: SecretStr | None = None
    """At least 32 bytes. None: one is generated into the data folder."""
    jwt_secret_file: Path | None = Field(default=None, examples=["/run/secrets/gatetrail_jwt"])
    """As `dsn_file`."""
    redaction_key: SecretStr | None = None
    """At least 32 bytes, for the hashes of redacted values; the same key on every machine gives the same hashes.
    None: one is generated into the data folder."""
    redaction_key_file: Path | None = Field(default=None, examples=["/run/secrets/gatetrail_redaction"])
    """As `dsn_file`."""
    proxy_keys: dict[str, Value | tuple[Value, Value]] = Field(
        default={}, repr=False, examples=[{"edge": {"from_file": "/run/secrets/gatetrail_edge"}}]
    )
    """By the names of `identity.proxies` in the policy: what they sign with, at least 32 bytes each. Two while one
    takes over from the other: then either is taken. Files are read again within seconds."""
    state_key: SecretStr | None = None
    """At least 32 bytes, for what hosted servers give clients to bring back in the next round of a call; the same key
    in every process that may answer that. None: one is generated into the data folder."""
    state_key_file: Path | None = Field(default=None, examples=["/run/secrets/gatetrail_state"])
    """As `dsn_file`."""
    state_key_before: SecretStr | None = None
    """The key that `state_key` takes the place of: what it has sealed is still read."""
    state_key_before_file: Path | None = Field(default=None, examples=["/run/secrets/gatetrail_state_before"])
    """As `dsn_file`."""
    host: str = "127.0.0.1"
    port: Port = 8080
    workers: Annotated[int, Field(ge=1, le=256, examples=[4])] = 1
    """Processes that answer on the one port. More than one are started, watched and restarted by a supervisor."""
    grace_s: Annotated[float, Field(ge=1, le=3_600, examples=[40])] = 40.0
    """How long calls in flight may take when the service ends; then they are cancelled. The default is more than the
    default time limit of a tool."""
    drain_s: Annotated[float, Field(ge=0, le=3_600, examples=[5])] = 5.0
    """How long sinks may go on delivering after that. What is left then waits in the journal."""
    allowed_hosts: tuple[str, ...] = ()
    """Names, without ports, by which clients may ask for the service, besides loopback and `host`."""
    public_url: Annotated[str, AfterValidator(_public)] | None = Field(
        default=None, examples=["https://gate.example.com"]
    )
    """Scheme and host by which clients reach the service, told to those who ask where to get a token. None: as they
    asked for it, if that is one of the names above."""
    agents: AgentSettings = AgentSettings()
    hooks: HookSettings = HookSettings()
    journal: JournalSettings = JournalSettings()
    sessions: SessionSettings = SessionSettings()
    stream: StreamSettings = StreamSettings()
    rate_store: RateStoreSettings = RateStoreSettings()
    logs: LogSettings = LogSettings()
    traces: TraceSettings | None = None
    """None: nobody is told of traces, and nothing is spent on them."""
    servers: dict[str, HostedServer] = {}
    """By the name under which the policy knows them; served at `/mcp/NAME`. Empty: the sample servers."""
    sinks: dict[str, dict[str, Any]] = Field(default={}, repr=False)
    """By name: `type` and what that type of sink wants to know."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 -- the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, whose content comes in as keyword arguments."""
        return env_settings, init_settings
