"""The MCP servers that the settings name, imported."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatetrail.errors import SettingsInvalid
from gatetrail.runtime.sample import sample_servers
from gatetrail.settings import HostedServer as Named
from gatetrail.settings import ServiceSettings


def hosted_servers(settings: ServiceSettings) -> Mapping[str, Any]:
    """Server objects by name; the sample servers when none are named. Raises `SettingsInvalid`.

    Modules of the current folder are found as well, as `python -m` finds them.
    """
    if not settings.servers:
        return sample_servers()
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    return {name: _imported(name, server) for name, server in settings.servers.items()}


def _imported(name: str, server: Named) -> object:
    module_name, _, object_name = server.python.partition(":")
    where = f"servers.{name}.python: {server.python}"
    try:
        module = importlib.import_module(module_name)
    except Exception as problem:
        raise SettingsInvalid(
            f"{where}: the module cannot be imported: {type(problem).__name__}: {problem}"
        ) from problem
    found: object = getattr(module, object_name, None)
    if found is None:
        raise SettingsInvalid(f"{where}: the module has no {object_name!r}")
    return found
