"""MCP servers that are not ours, run or reached by the service and served like its own.

Each is one low-level server of the SDK whose handlers pass everything on to one client session. The gate is put into
it as into any other server, so nothing reaches an upstream that was not decided on and recorded.
"""

from gatetrail.upstreams.mounted import MountedServer
from gatetrail.upstreams.state import Phase, UpstreamState
from gatetrail.upstreams.targets import CommandTarget, Limits, Revealed, Target, UrlTarget
from gatetrail.upstreams.upstream import Upstream

__all__ = [
    "CommandTarget",
    "Limits",
    "MountedServer",
    "Phase",
    "Revealed",
    "Target",
    "Upstream",
    "UpstreamState",
    "UrlTarget",
]
