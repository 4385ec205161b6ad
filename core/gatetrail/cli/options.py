"""Options that several commands share, and the settings that they add up to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatetrail.errors import WrongUse

if TYPE_CHECKING:
    from gatetrail.policy.model import Policy
    from gatetrail.settings import ServiceSettings

Dsn = Annotated[
    str | None,
    typer.Option(
        envvar="GATETRAIL_DSN",
        metavar="DSN",
        help="PostgreSQL 15 or newer, for example postgresql://user@host/name. Without it: the embedded server.",
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        envvar="GATETRAIL_DATA_DIR", metavar="FOLDER", help="Where the embedded server, the spool and secrets live."
    ),
]
Config = Annotated[
    Path | None, typer.Option(envvar="GATETRAIL_CONFIG", metavar="FILE", help="The platform team's service.yaml.")
]
PolicyFile = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        envvar="GATETRAIL_POLICY",
        metavar="FILE",
        help="The security team's policy.yaml. Without it: the sample policy.",
    ),
]
ShadowPolicy = Annotated[
    Path | None,
    typer.Option(
        "--shadow-policy",
        envvar="GATETRAIL_POLICY_SHADOW",
        metavar="FILE",
        help="Another policy.yaml, decided beside the one in force for every call and only recorded.",
    ),
]
Url = Annotated[
    str | None,
    typer.Option(
        envvar="GATETRAIL_URL",
        metavar="URL",
        help="Ask the service at this address, for example http://127.0.0.1:8080, instead of the database.",
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        envvar="GATETRAIL_TOKEN_FILE",
        metavar="FILE",
        help="The bearer token for --url; without it, GATETRAIL_TOKEN holds the token itself.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="JSON lines on stdout, and nothing else there.")]


def settings_of(config: Path | None = None, **over: Any) -> ServiceSettings:
    """The settings: what the options say goes over the environment, that over the file. Raises `SettingsInvalid`."""
    from pydantic import SecretStr

    from gatetrail.settings import load_settings

    dsn = over.pop("dsn", None)
    return load_settings(config, dsn=SecretStr(dsn) if dsn else None, **over)


def database_of(config: Path | None, *, dsn: str | None, data_dir: Path | None) -> ServiceSettings:
    """The settings of a command that only the database can answer. Raises `SettingsInvalid` or `WrongUse`.

    Who has set GATETRAIL_URL and names no database means that service: an embedded one, made on the spot, would
    answer as if nothing had ever happened.
    """
    settings = settings_of(config, dsn=dsn, data_dir=data_dir)
    if os.environ.get("GATETRAIL_URL") and settings.dsn is None and data_dir is None:
        raise WrongUse("this needs the database, and GATETRAIL_URL names a service: give --dsn as well, or --data-dir")
    return settings


def policy_of(settings: ServiceSettings) -> Policy:
    """The policy that the settings name, else the sample policy. Raises `PolicyInvalid`."""
    from gatetrail.policy.load import load_policy
    from gatetrail.runtime.hooks import permits_of
    from gatetrail.runtime.sample import sample_policy

    return load_policy(settings.policy, permits_of(settings.hooks)) if settings.policy is not None else sample_policy()
