"""From the raw line to the table: the query of a data collection rule."""

from __future__ import annotations

from siem.languages.kusto_columns import EVENT_TIME, INGESTED_TIME, TIME, columns

_CASTS = {"string": "tostring", "long": "tolong", "real": "todouble", "boolean": "tobool", "dynamic": ""}


def transform() -> str:
    """KQL of the part that data collection rules support: one row in, one row out, no join.

    The agent gives the line as `RawData`. A line that is no event of ours has no `event_id` and is left out.
    """
    moment = f"todatetime(event['{TIME}'])"
    projected = [f"{INGESTED_TIME} = {moment}", f"{EVENT_TIME} = {moment}"]
    projected += [
        f"{name} = {_CASTS[kind]}({_value(name)})" if _CASTS[kind] else f"{name} = {_value(name)}"
        for name, kind in columns().items()
        if kind != "datetime"
    ]
    lines = ",\n    ".join(projected)
    return (
        "source\n"
        "| extend event = parse_json(RawData)\n"
        f"| where isnotempty(tostring({_value('event_id')}))\n"
        f"| project\n    {lines}"
    )


def _value(name: str) -> str:
    return f"event['{name}']"
