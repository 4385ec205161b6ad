r"""An event in IBM QRadar's Log Event Extended Format, version 2.0.

    LEEF:2.0|Gatetrail|Gatetrail|VERSION|EVENT_NAME|x09|key=value<TAB>key=value

The event id is the event's name and `cat` the gate: together they choose the entry of the QID map. `sev` is the
number that CEF has. `devTime` has milliseconds, since the Java pattern that reads it misreads finer ones; the whole
time is `eventTime`. Keys that LEEF has no name for are in camel case, with `gatetrail` before a name of LEEF's own.

LEEF knows no escapes for values: a control character (line breaks, the tab that parts fields, ANSI, U+2028) is
written out as `\u000a`, and a backslash is left alone, since user names such as `CORP\ann` would not be found.
"""

from __future__ import annotations

from functools import lru_cache

from gatetrail.events.journal import Entry
from gatetrail.formats.addresses import is_ip
from gatetrail.formats.flat import fields
from gatetrail.formats.keys import Keys, read
from gatetrail.formats.moments import with_milliseconds
from gatetrail.formats.names import in_camel_case
from gatetrail.formats.outcomes import outcome_of
from gatetrail.formats.texts import visible
from gatetrail.severity import SEVERITIES
from gatetrail.words import Level

VENDOR = "Gatetrail"
TIME_FORMAT = "yyyy-MM-dd'T'HH:mm:ss.SSSZ"

FIELDS = (
    ("event_id", "eventId"),
    ("gate", "cat"),
    ("user_id", "usrName"),
    ("decision", "action"),
    ("reason", "reason"),
    ("server_name", "resource"),
    ("actual_tier", "role"),
)
"""Our keys and the attributes for them; `eventId`, `action` and `reason` are custom ones."""

_PREDEFINED = (
    "cat devTime devTimeFormat proto sev src dst srcPort dstPort srcPreNAT dstPreNAT srcPostNAT dstPostNAT usrName "
    "srcMAC dstMAC srcPreNATPort dstPreNATPort srcPostNATPort dstPostNATPort identSrc identHostName identNetBios "
    "identGrpName identMAC vSrc vSrcName accountName srcBytes dstBytes srcPackets dstPackets totalPackets role "
    "realm policy resource url groupID domain isLoginEvent isLogoutEvent identSecondlp calLanguage "
    "AttributeLimits calCountryOrRegion"
)
PREDEFINED = frozenset(_PREDEFINED.split())
"""IBM's LEEF guide, "Predefined LEEF event attributes"."""

_BEGINNINGS = {key: f"{name}=" for key, name in FIELDS}
_TAKEN = PREDEFINED | {name for _, name in FIELDS} | {"eventTime", "outcome"}


def leef(entry: Entry) -> bytes:
    """The event as one line. Raises ValueError for what is no event of ours."""
    keys = read(entry.line)
    header = f"LEEF:2.0|{VENDOR}|{VENDOR}|{_version(keys)}|{keys.needed('event_name')}|x09|"
    return (header + "\t".join(_attributes(keys))).encode()


def _version(keys: Keys) -> str:
    """As it may stand in the header, where LEEF has no escape for a bar."""
    keys.take("vendor_product")
    return visible(keys.needed("product_version")).replace("|", "\\u007c")


def _attributes(keys: Keys) -> list[str]:
    timestamp = keys.needed("@timestamp")
    level = Level(keys.needed("level"))
    keys.take("severity_id")
    parts = [
        f"devTime={with_milliseconds(timestamp)}",
        f"devTimeFormat={TIME_FORMAT}",
        f"eventTime={timestamp}",
        f"sev={SEVERITIES[level].cef}",
        f"outcome={outcome_of(keys).value}",
    ]
    address = keys.look("src_ip")
    if address is not None and is_ip(address):
        parts.append(f"src={keys.needed('src_ip')}")
    parts.extend(fields(keys.rest(), _BEGINNINGS, _custom_beginning, visible))
    return parts


def custom_name(key: str) -> str:
    """The attribute of a key that LEEF has no name for; it cannot be one of LEEF's, nor one of `FIELDS`."""
    capital = in_camel_case(key)
    name = capital[:1].lower() + capital[1:]
    return f"gatetrail{capital}" if not name or name in _TAKEN else name


@lru_cache(maxsize=1024)
def _custom_beginning(key: str) -> str:
    return f"{custom_name(key)}="
