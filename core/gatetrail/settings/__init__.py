"""What the process is told from outside, validated once, at the composition root."""

from gatetrail.settings.hooks import HookSettings
from gatetrail.settings.journal import JournalSettings
from gatetrail.settings.load import load_settings
from gatetrail.settings.logs import LogFormat, LogLevel, LogSettings
from gatetrail.settings.rate_store import OnAway, RateStoreSettings, RateStoreType
from gatetrail.settings.servers import CommandServer, HostedServer, PythonServer, UpstreamSettings, UrlServer
from gatetrail.settings.service import ServiceSettings
from gatetrail.settings.sessions import SessionSettings, SessionStoreKind
from gatetrail.settings.stream import StreamSettings
from gatetrail.settings.traces import TraceSettings
from gatetrail.settings.values import FromEnvironment, FromFile, Value

__all__ = [
    "CommandServer",
    "FromEnvironment",
    "FromFile",
    "HookSettings",
    "HostedServer",
    "JournalSettings",
    "LogFormat",
    "LogLevel",
    "LogSettings",
    "OnAway",
    "PythonServer",
    "RateStoreSettings",
    "RateStoreType",
    "ServiceSettings",
    "SessionSettings",
    "SessionStoreKind",
    "StreamSettings",
    "TraceSettings",
    "UpstreamSettings",
    "UrlServer",
    "Value",
    "load_settings",
]
