"""Splunk's commands and functions that our searches may use (Splunk's Search Reference), and what they do to fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Does(StrEnum):
    """How the words after a command are read."""

    SEARCH = "search"
    EXPRESSION = "expression"
    ASSIGN = "assign"
    """`name = expression`, several with commas."""
    AGGREGATE = "aggregate"
    """Functions AS names BY fields; nothing else is left."""
    ADD_AGGREGATE = "add aggregate"
    """The same, beside what is there."""
    FIELDS = "fields"
    """Every word is a field."""
    KEEP = "keep"
    """Every word is a field, and nothing else is left."""
    RENAME = "rename"
    LOOKUP = "lookup"
    OPAQUE = "opaque"
    """What it names is not of the event."""


@dataclass(frozen=True, slots=True)
class Command:
    """One."""

    does: Does
    options: frozenset[str] = frozenset()
    """Written `option=value`."""
    adds: frozenset[str] = frozenset()
    """Fields that are there afterwards."""


def _command(does: Does, options: str = "", adds: str = "") -> Command:
    return Command(does, frozenset(options.split()), frozenset(adds.split()))


COMMANDS: Mapping[str, Command] = {
    "search": _command(Does.SEARCH),
    "where": _command(Does.EXPRESSION),
    "eval": _command(Does.ASSIGN),
    "fieldformat": _command(Does.ASSIGN),
    "stats": _command(Does.AGGREGATE, "allnum delim partitions"),
    "chart": _command(Does.AGGREGATE, "span limit useother usenull cont"),
    "timechart": _command(Does.AGGREGATE, "span limit useother usenull cont partial", "_time"),
    "streamstats": _command(Does.ADD_AGGREGATE, "time_window window current global reset_on_change allnum"),
    "eventstats": _command(Does.ADD_AGGREGATE, "allnum"),
    "table": _command(Does.KEEP),
    "fields": _command(Does.KEEP, "", "_time _raw"),
    "sort": _command(Does.FIELDS, "limit"),
    "dedup": _command(Does.FIELDS, "keepevents keepempty consecutive"),
    "fillnull": _command(Does.FIELDS, "value"),
    "mvexpand": _command(Does.FIELDS, "limit"),
    "top": _command(Does.FIELDS, "limit showperc useother countfield", "count percent"),
    "rare": _command(Does.FIELDS, "limit showperc countfield", "count percent"),
    "bin": _command(Does.FIELDS, "span bins"),
    "transaction": _command(Does.FIELDS, "maxspan maxpause maxevents mvlist keepevicted", "duration eventcount"),
    "rename": _command(Does.RENAME),
    "lookup": _command(Does.LOOKUP, "local update"),
    "iplocation": _command(Does.FIELDS, "prefix allfields lang", "lat lon City Country Region"),
    "addinfo": _command(Does.OPAQUE, "", "info_min_time info_max_time info_search_time info_sid"),
    "inputlookup": _command(Does.OPAQUE),
    "outputlookup": _command(Does.OPAQUE),
    "makeresults": _command(Does.OPAQUE, "", "_time"),
    "append": _command(Does.OPAQUE),
    "head": _command(Does.OPAQUE),
    "tail": _command(Does.OPAQUE),
    "reverse": _command(Does.OPAQUE),
    "join": _command(Does.FIELDS, "type max overwrite usetime"),
}
EVALUATION = frozenset(
    """abs acos asin atan atan2 case cidrmatch ceiling coalesce cos exact exp floor hypot if in isnotnull isnull len
    like ln log lower match max md5 min mvappend mvcount mvdedup mvfilter mvfind mvindex mvjoin mvmap mvsort mvzip now
    null nullif pi pow printf random relative_time replace round sha256 sin split sqrt strftime strptime substr sum
    tan time tonumber tostring trim true typeof upper validate""".split()  # noqa: SIM905 -- words are read more easily
)
AGGREGATION = frozenset(
    """avg c count dc distinct_count earliest earliest_time estdc eval first last latest latest_time list max
    median min mode p95 perc95 range stdev sum values""".split()  # noqa: SIM905
)
ALWAYS = frozenset(
    {"_time", "_raw", "_indextime", "host", "source", "sourcetype", "index", "linecount", "eventtype", "tag"}
)
"""Fields that Splunk itself gives every event."""
