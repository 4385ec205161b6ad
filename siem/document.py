"""The shape of a rule's YAML: what we read of Sigma's keys, and our own key beside them.

Keys of Sigma that are not named here are for pySigma and for readers; below our own key and in a correlation every key
must be one that is read, so that a slip of the pen is told.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from siem.rule import Severity

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(timespan: str) -> int:
    """Of Sigma's timespans: a number and s, m, h or d. Raises ValueError."""
    number, unit = timespan[:-1], timespan[-1:]
    if unit not in _SECONDS or not number.isdecimal() or int(number) == 0:
        raise ValueError(f"{timespan!r} is no timespan; write a number and s, m, h or d, such as 5m")
    return int(number) * _SECONDS[unit]


def _timespan(text: str) -> str:
    seconds(text)
    return text


Timespan = Annotated[str, AfterValidator(_timespan)]
Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], Field(min_length=1)]


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Condition(_Read):
    """What has to be counted before a correlation tells somebody."""

    gte: int = Field(ge=2)
    field: Text | None = None


class Correlation(_Read):
    """Of Sigma's kinds the two that every language can follow."""

    type: Literal["event_count", "value_count"]
    rules: Texts
    group_by: Texts = Field(alias="group-by")
    timespan: Timespan
    condition: Condition

    @model_validator(mode="after")
    def _counts_what_its_type_says(self) -> Self:
        if (self.type == "value_count") is (self.condition.field is None):
            raise ValueError("condition has a field where the type is value_count, and only there")
        return self


class Own(_Read):
    """What Sigma has no key for."""

    question: int = Field(ge=1, le=15)
    asked_by: Text
    lookback: Timespan
    reported: Timespan | None = None
    why_native: Text | None = None
    weaker: dict[str, Text] = {}
    missing: dict[str, Text] = {}


class Base(BaseModel):
    """A rule that a correlation of the same file counts; it is no rule of ours by itself."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    name: Text
    detection: dict[str, Any]


class Meaning(BaseModel):
    """The last document of a file: the rule."""

    model_config = ConfigDict(frozen=True)

    title: Text
    id: UUID
    name: Text
    status: Text
    description: Text
    level: Severity
    falsepositives: Texts
    fields: Texts
    tags: tuple[Text, ...] = ()
    detection: dict[str, Any] | None = None
    correlation: Correlation | None = None
    gatetrail: Own
