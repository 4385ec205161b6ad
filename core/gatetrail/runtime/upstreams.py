"""From the settings of a server that is not ours to the server that stands for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard, assert_never

from pydantic import SecretStr

from gatetrail.runtime.revealing import found
from gatetrail.settings import CommandServer, FromEnvironment, UpstreamSettings, UrlServer, Value
from gatetrail.upstreams import (
    CommandTarget,
    Limits,
    MountedServer,
    Phase,
    Revealed,
    Target,
    Upstream,
    UpstreamState,
    UrlTarget,
)
from gatetrail.upstreams.targets import Reveal

INHERITED = ("PATH", "HOME")
"""What a program gets of our environment; our own secrets stand there as well."""


def mounted(name: str, settings: CommandServer | UrlServer, environment: Mapping[str, str]) -> MountedServer:
    """The server that stands for it; `environment` is ours. Nothing is started yet.

    Raises `SettingsInvalid` for a variable that is not set and for a file that cannot be read now.
    """
    return MountedServer(Upstream(name, _target(name, settings, environment), _limits(settings)))


def upstream_states(servers: Mapping[str, Any]) -> Sequence[UpstreamState]:
    """How those among the servers are doing that are not ours."""
    return [server.upstream.state() for server in servers.values() if isinstance(server, MountedServer)]


class UpstreamCheck:
    """Whether a server that is not ours is up. If not, its own calls fail, and no other."""

    vital = False

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self.name = f"upstream {upstream.name}"

    async def trouble(self) -> str | None:
        """In words that anybody may read."""
        state = self._upstream.state()
        if state.phase is Phase.UP:
            return None
        return f"{state.reason or 'it has not been up yet'}; {state.phase.value} since {state.since}"


def upstream_checks(servers: Mapping[str, Any]) -> Sequence[UpstreamCheck]:
    """One for each server that is not ours."""
    return [UpstreamCheck(server.upstream) for server in servers.values() if isinstance(server, MountedServer)]


def _target(name: str, settings: CommandServer | UrlServer, environment: Mapping[str, str]) -> Target:
    match settings:
        case CommandServer():
            inherited = {key: environment[key] for key in INHERITED if key in environment}
            reveal = _revealing(f"servers.{name}.environment", settings.environment, environment, inherited)
            return CommandTarget(settings.command, reveal, settings.folder)
        case UrlServer():
            reveal = _revealing(f"servers.{name}.headers", settings.headers, environment)
            return UrlTarget(settings.url, reveal, settings.tls)
        case _:
            assert_never(settings)


def _limits(settings: UpstreamSettings) -> Limits:
    return Limits(settings.time_limit_ms, settings.start_limit_ms, settings.retry_initial_ms, settings.retry_max_ms)


def _revealing(
    where: str,
    values: Mapping[str, Value],
    environment: Mapping[str, str],
    inherited: Mapping[str, str] | None = None,
) -> Reveal:
    """Reads files anew each time, variables only now. `inherited` goes along where nothing else is named.

    A variable of a program that is written out is taken for a setting; a header is a secret in any case.
    """
    kept = {value.from_env: environment.get(value.from_env) for value in values.values() if _is_variable(value)}

    def reveal() -> Revealed:
        known = {name: found(f"{where}.{name}", value, kept) for name, value in values.items()}
        hidden = [known[name] for name, value in values.items() if inherited is None or not _is_written(value)]
        secrets = frozenset(text for prefix, bare in hidden for text in (bare, prefix + bare))
        sent = {name: prefix + bare for name, (prefix, bare) in known.items()}
        return Revealed({**(inherited or {}), **sent}, secrets)

    reveal()
    return reveal


def _is_written(value: Value) -> TypeGuard[SecretStr]:
    return isinstance(value, SecretStr)


def _is_variable(value: Value) -> TypeGuard[FromEnvironment]:
    return isinstance(value, FromEnvironment)
