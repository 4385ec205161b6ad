"""Which text an event leaves as."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

from gatetrail.events.outgoing import Render, native


class Format(StrEnum):
    """The texts that an event can have outside; each is one line."""

    JSON = "json"
    """The journal's own bytes."""
    ECS = "ecs"
    """Elastic Common Schema 9.4, as JSON."""
    OCSF = "ocsf"
    """OCSF 1.8.0, as JSON: the newest that an independent validator knows."""
    OCSF_1_9 = "ocsf-1.9"
    """OCSF 1.9.0, as JSON; see `gatetrail.formats.ocsf_1_9` for what differs."""
    CEF = "cef"
    """ArcSight Common Event Format, version 0."""
    LEEF = "leef"
    """IBM QRadar Log Event Extended Format, version 2.0."""


def render_of(chosen: Format) -> Render:
    """What turns an entry into that text; it raises ValueError for what is no event of ours."""
    match chosen:
        case Format.JSON:
            return native
        case Format.ECS:
            from gatetrail.formats.ecs import ecs

            return ecs
        case Format.OCSF:
            from gatetrail.formats.ocsf import ocsf

            return ocsf
        case Format.OCSF_1_9:
            from gatetrail.formats.ocsf_1_9 import ocsf_1_9

            return ocsf_1_9
        case Format.CEF:
            from gatetrail.formats.cef import cef

            return cef
        case Format.LEEF:
            from gatetrail.formats.leef import leef

            return leef
        case _:
            assert_never(chosen)
