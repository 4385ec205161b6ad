"""The composition root: settings become running parts here, and only here sinks are named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatetrail.runtime.gatetrail import Gatetrail
    from gatetrail.runtime.records import Records, open_records

__all__ = ["Gatetrail", "Records", "open_records"]


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for: a command that only reads needs no MCP."""
    if name not in __all__:
        raise AttributeError(f"module 'gatetrail.runtime' has no attribute {name!r}")
    from importlib import import_module

    home = "gatetrail.runtime.gatetrail" if name == "Gatetrail" else "gatetrail.runtime.records"
    return getattr(import_module(home), name)
