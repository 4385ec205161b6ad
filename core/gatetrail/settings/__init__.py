"""What the process is told from outside, validated once, at the composition root."""

from gatetrail.settings.journal import JournalSettings
from gatetrail.settings.load import load_settings
from gatetrail.settings.logs import LogFormat, LogLevel, LogSettings
from gatetrail.settings.servers import HostedServer
from gatetrail.settings.service import ServiceSettings
from gatetrail.settings.stream import StreamSettings
from gatetrail.settings.traces import TraceSettings

__all__ = [
    "HostedServer",
    "JournalSettings",
    "LogFormat",
    "LogLevel",
    "LogSettings",
    "ServiceSettings",
    "StreamSettings",
    "TraceSettings",
    "load_settings",
]
