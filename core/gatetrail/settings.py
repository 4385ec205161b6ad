"""The platform team's settings: from `service.yaml`, then over it `GATETRAIL_*`, then over both the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gatetrail.errors import SettingsInvalid

_MAPPING = TypeAdapter(dict[str, Any])

Port = Annotated[int, Field(ge=0, le=65_535)]


class HostedServer(BaseModel):
    """An MCP server of ours that `serve` hosts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    python: str = Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
    """`package.module:object`, the object being an MCPServer, a low-level Server or a FastMCP."""


class JournalSettings(BaseModel):
    """Limits of the journal's writer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    append_limit_ms: Annotated[int, Field(ge=50, le=60_000)] = 2_000
    """A decision that is not committed after this long is a denial by the gate `audit`."""
    batch_events: Annotated[int, Field(ge=1, le=10_000)] = 128
    """Events in one commit at most."""


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
    data_dir: Path | None = None
    """Where the embedded server, the spool and generated secrets live. None: the user's data folder."""
    policy: Path | None = None
    """None: the sample policy."""
    jwt_secret: SecretStr | None = None
    """At least 32 bytes. None: one is generated into the data folder."""
    redaction_key: SecretStr | None = None
    """At least 32 bytes, for the hashes of redacted values; the same key on every machine gives the same hashes.
    None: one is generated into the data folder."""
    host: str = "127.0.0.1"
    port: Port = 8080
    allowed_hosts: tuple[str, ...] = ()
    """Names, without ports, by which clients may ask for the service, besides loopback and `host`."""
    journal: JournalSettings = JournalSettings()
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


def load_settings(config: Path | None = None, **over: Any) -> ServiceSettings:
    """Read the settings. What is given in `over` and is not None wins. Raises `SettingsInvalid`."""
    content = _read(config) if config is not None else {}
    try:
        found = ServiceSettings(**content)
        chosen = {key: value for key, value in over.items() if value is not None}
        return found.model_copy(update=chosen)
    except ValidationError as problem:
        raise SettingsInvalid(_explain(problem, config)) from None


def _read(config: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(config.read_text("utf-8"))
    except FileNotFoundError:
        raise SettingsInvalid(f"{config}: there is no such file; --config or GATETRAIL_CONFIG names it") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsInvalid(f"{config}: cannot be read: {problem}") from None
    except yaml.YAMLError as problem:
        raise SettingsInvalid(f"{config}{_place(problem)}: is not YAML: {_reason(problem)}") from None
    try:
        keys = _MAPPING.validate_python({} if content is None else content)
    except ValidationError:
        raise SettingsInvalid(f"{config}: expected keys and values at the top") from None
    unknown = sorted(keys.keys() - ServiceSettings.model_fields.keys())
    if unknown:
        known = ", ".join(sorted(ServiceSettings.model_fields))
        raise SettingsInvalid(f"{config}: unknown key {unknown[0]!r}; expected one of {known}")
    return keys


def _place(problem: yaml.YAMLError) -> str:
    mark = problem.problem_mark if isinstance(problem, yaml.MarkedYAMLError) else None
    return "" if mark is None else f":{mark.line + 1}"


def _reason(problem: yaml.YAMLError) -> str:
    # The error's own text quotes the line, in which a secret may stand.
    return str(problem.problem) if isinstance(problem, yaml.MarkedYAMLError) else type(problem).__name__


def _explain(problem: ValidationError, config: Path | None) -> str:
    source = str(config) if config else "settings"
    lines: list[str] = []
    for error in problem.errors():
        path = ".".join(str(part) for part in error["loc"])
        variable = "GATETRAIL_" + "__".join(str(part) for part in error["loc"]).upper()
        lines.append(f"{source}: {path} ({variable}): {error['msg']}")
    return "\n".join(lines)
