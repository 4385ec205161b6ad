"""The dashboards and alerts as they are shipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import yaml

from siem.places import SAMPLES

GRAFANA = SAMPLES / "grafana"

Json = Mapping[str, Any]


def dashboard(name: str) -> Json:
    found: Json = orjson.loads((GRAFANA / "dashboards" / f"{name}.json").read_bytes())
    return found


def panels(of: Json) -> Iterator[Json]:
    """All that show something, folded ones too."""
    for panel in of["panels"]:
        yield from panel["panels"] if panel["type"] == "row" else (panel,)


def placed(of: Json) -> Iterator[Json]:
    """Rows and panels that take room while folded rows stay folded."""
    yield from of["panels"]


def alert_text() -> str:
    return (GRAFANA / "alerting" / "gatetrail.yaml").read_text("utf-8")


def alert_groups() -> list[Json]:
    groups: list[Json] = yaml.safe_load(alert_text())["groups"]
    return groups
