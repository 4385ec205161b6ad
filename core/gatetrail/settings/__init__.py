"""What the process is told from outside, validated once, at the composition root."""

from gatetrail.settings.journal import JournalSettings
from gatetrail.settings.load import load_settings
from gatetrail.settings.servers import HostedServer
from gatetrail.settings.service import ServiceSettings
from gatetrail.settings.stream import StreamSettings

__all__ = ["HostedServer", "JournalSettings", "ServiceSettings", "StreamSettings", "load_settings"]
