"""What coding agents report of themselves: their own tools pass the gates, and their moments are recorded."""

from gatetrail.service.agents.fail_closed import FailClosed
from gatetrail.service.agents.reception import Reception
from gatetrail.service.agents.routes import hook_routes

__all__ = ["FailClosed", "Reception", "hook_routes"]
