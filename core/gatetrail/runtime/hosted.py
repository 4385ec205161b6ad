"""The MCP servers that the settings name: ours imported, others mounted."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatetrail.errors import SettingsInvalid
from gatetrail.mcp.state_keys import noting_keys_of_one_process
from gatetrail.runtime.sample import sample_servers
from gatetrail.runtime.upstreams import mounted
from gatetrail.settings import PythonServer, ServiceSettings


def hosted_servers(settings: ServiceSettings) -> Mapping[str, Any]:
    """Server objects by name; the sample servers when none are named. Raises `SettingsInvalid`.

    Modules of the current folder are found as well, as `python -m` finds them. Servers that are not ours are kept up
    from when their lifespan is entered, which the HTTP application does.
    """
    with noting_keys_of_one_process():
        if not settings.servers:
            return sample_servers()
        here = str(Path.cwd())
        if here not in sys.path:
            sys.path.insert(0, here)
        return {
            name: _imported(name, server) if isinstance(server, PythonServer) else mounted(name, server, os.environ)
            for name, server in settings.servers.items()
        }


def _imported(name: str, server: PythonServer) -> object:
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
