"""Every query of the dashboard, run against a real record as the role that compose makes for auditors."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from gatetrail.clock import IdMaker
from gatetrail.events.fields import Record
from gatetrail.events.model import AuditHeartbeat, AuditSinkFailed, IdentityRefused, PolicyChanged
from gatetrail.events.stamp import Stamp
from gatetrail.testing import ManualClock
from gatetrail.words import ExecutionStatus, Level, ReasonCode
from gatetrail_sinks.postgres.embedded.binaries import installed_binaries
from tests.cli.conftest import COMMAND
from tests.cli.recorded import STAMP, allowed, denied, limited, record
from tests.deploy.grafana_sql import View
from tests.deploy.shipped import DEPLOY, document
from tests.external import external_server
from tests.samples import completed, decided

pytestmark = [pytest.mark.postgres, pytest.mark.requirement("G4")]

GRAFANA = DEPLOY / "grafana"
DASHBOARD: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "gatetrail.json").read_text("utf-8"))
PANELS: dict[str, dict[str, Any]] = {panel["title"]: panel for panel in DASHBOARD["panels"]}
DATASOURCE = document(GRAFANA / "provisioning" / "datasources" / "gatetrail.yaml")["datasources"][0]
PASSWORDS = {"gatetrail": "the owner's password", "auditor": "the auditor's \\ password"}
"""By user; compose's are made of hexadecimal digits, these show that nothing depends on it."""
STUCK_FOR_S = 600


@pytest.fixture(scope="module")
def roles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A server set up by compose's roles.sql: for each of its users the DSN of the database `gatetrail`."""
    folder = tmp_path_factory.mktemp("secrets")
    for user, password in PASSWORDS.items():
        (folder / f"{user}_password").write_text(password)
    script = (DEPLOY / "compose" / "roles.sql").read_text("utf-8").replace("/run/secrets", str(folder))
    with external_server() as dsn:
        psql = [str(installed_binaries().program("psql")), "--no-psqlrc", "--quiet", "--dbname", dsn]
        subprocess.run(psql, input=script, text=True, check=True, timeout=60)
        yield {
            user: make_conninfo(dsn, dbname="gatetrail", user=user, password=password)
            for user, password in PASSWORDS.items()
        }


def stuck_stamp() -> Stamp:
    """Of a process that decided something ten minutes ago."""
    clock = ManualClock(int((datetime.now(UTC).timestamp() - STUCK_FOR_S) * 1_000_000))
    return Stamp(clock, IdMaker(clock), instance_id=STAMP.instance_id, product_version="0.0.0")


def planted() -> list[Record]:
    """A small record with one of almost everything that a panel is there for."""
    slow = decided(STAMP, tool_name="forecast_cash_flow")
    return [
        *(event for _ in range(3) for event in allowed()),
        *(slow, completed(STAMP, slow, ExecutionStatus.TIMEOUT)),
        *(denied(user_id="bob", tool_name="close_books") for _ in range(2)),
        denied(user_id="eve", reason_code=ReasonCode.SESSION_TIER_TOO_LOW),
        *(limited(user_id="carl") for _ in range(3)),
        denied(server_name="engineering", reason_code=ReasonCode.SCOPE_MISSING),
        AuditHeartbeat(
            **STAMP(Level.INFO, "alive"), allowed_count=4, denied_count=7, completed_count=4, exported_count=0
        ),
        PolicyChanged(
            **STAMP(Level.NOTICE, "in force"), policy_version="0123456789abcdef", policy_source="policy.yaml"
        ),
        IdentityRefused(
            **STAMP(Level.WARNING, "refused"),
            reason_code="token_expired",
            reason="the token has expired",
            auth_method="bearer",
            claimed_user_id="mallory",
            src_ip="192.0.2.7",
        ),
    ]


def planted_last() -> list[Record]:
    """What the sink has not read, and what a process that opens the record would bring to an end."""
    ago = stuck_stamp()
    return [
        AuditSinkFailed(**STAMP(Level.WARNING, "failed"), sink_name="siem", cursor_seq=0, reason="refuses connections"),
        decided(ago, execution_id=ago(Level.INFO, "")["event_id"], user_id="stuck-agent"),
    ]


@pytest.fixture(scope="module")
def auditor(roles: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection[Any]]:
    """What Grafana sees: a record, a sink that has read some of it, and a verification."""
    folder = tmp_path_factory.mktemp("record")
    owner = roles["gatetrail"]
    record(owner, planted())
    config = folder / "service.yaml"
    config.write_text(json.dumps({"sinks": {"siem": {"type": "file", "path": str(folder / "audit.jsonl")}}}))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GATETRAIL_")},
        "GATETRAIL_DSN": owner,
        "GATETRAIL_DATA_DIR": str(folder / "data"),
    }
    for arguments in (("export", "--once", "--config", str(config)), ("verify",)):
        subprocess.run([*COMMAND, *arguments], env=environment, check=True, capture_output=True, timeout=60)
    record(owner, planted_last())
    with psycopg.connect(roles["auditor"], autocommit=True) as connection:
        yield connection


def view(servers: tuple[str, ...] = ("finance", "engineering")) -> View:
    now = datetime.now(UTC)
    return View(now - timedelta(hours=1), now + timedelta(minutes=1), "1h", servers)


def rows(auditor: psycopg.Connection[Any], title: str, chosen: View | None = None) -> list[dict[str, Any]]:
    (target,) = PANELS[title]["targets"]
    with auditor.cursor(row_factory=dict_row) as cursor:
        return cursor.execute((chosen or view()).expanded(target["rawSql"]).encode()).fetchall()


def totals(found: list[dict[str, Any]], key: str, value: str) -> dict[Any, int]:
    """A series, its points added up."""
    sums: dict[Any, int] = {}
    for row in found:
        sums[row[key]] = sums.get(row[key], 0) + row[value]
    return sums


def test_calls_are_counted(auditor: psycopg.Connection[Any]) -> None:
    assert rows(auditor, "Calls") == [{"decisions": 12, "denials": 7, "timeouts": 1}]
    assert rows(auditor, "Calls", view(("engineering",))) == [{"decisions": 1, "denials": 1, "timeouts": 0}]


def test_the_record_tells_how_it_is(auditor: psycopg.Connection[Any]) -> None:
    (row,) = rows(auditor, "The record, now")
    assert 0 <= row.pop("heartbeat_age") < 120
    assert row.pop("head_seq") > 12
    assert row == {"pending": 1, "stuck": 1, "quarantined": 0}


def test_decisions_and_denials_are_drawn_over_time(auditor: psycopg.Connection[Any]) -> None:
    found = rows(auditor, "Decisions")
    assert totals(found, "metric", "decisions") == {"allow": 5, "deny": 7}
    assert all(row["time"] % 3600 == 0 for row in found)
    assert totals(rows(auditor, "Denials by gate"), "metric", "denials") == {"scope": 4, "rate_limit": 3}


def test_nothing_is_drawn_of_another_time(auditor: psycopg.Connection[Any]) -> None:
    now = datetime.now(UTC)
    earlier = View(now - timedelta(days=2), now - timedelta(days=1), "1m", ("finance",))
    assert rows(auditor, "Decisions", earlier) == []
    assert rows(auditor, "Newest denials", earlier) == []
    assert rows(auditor, "Refused identities", earlier) == []


def test_the_newest_denial_stands_first(auditor: psycopg.Connection[Any]) -> None:
    found = rows(auditor, "Newest denials")
    assert [row["gate"] for row in found] == ["scope"] + 3 * ["rate_limit"] + 3 * ["scope"]
    assert found[0]["server_name"] == "engineering"
    assert found[0]["execution_id"] is not None


def test_who_was_limited_and_for_how_long(auditor: psycopg.Connection[Any]) -> None:
    (row,) = rows(auditor, "Rate-limited callers")
    assert (row["user_id"], row["denials"], row["longest_wait"]) == ("carl", 3, 1200)


def test_who_asked_for_more_than_the_tier_allows(auditor: psycopg.Connection[Any]) -> None:
    found = [(row["user_id"], row["reason_code"]) for row in rows(auditor, "Privilege mismatches")]
    assert found == [("eve", "session_tier_too_low"), ("bob", "tier_too_low"), ("bob", "tier_too_low")]


def test_latency_and_the_busiest_tools(auditor: psycopg.Connection[Any]) -> None:
    assert {(row["p50"], row["p99"]) for row in rows(auditor, "Latency of calls")} == {(1.5, 1.5)}
    busiest = [
        (row["tool_name"], row["calls"], row["denied"], row["timeouts"]) for row in rows(auditor, "Busiest tools")
    ]
    assert busiest[0] == ("get_invoice", 8, 4, 0)
    assert ("close_books", 2, 2, 0) in busiest
    assert ("forecast_cash_flow", 1, 0, 1) in busiest


def test_what_is_stuck(auditor: psycopg.Connection[Any]) -> None:
    (row,) = rows(auditor, "Stuck executions")
    assert row["user_id"] == "stuck-agent"
    assert STUCK_FOR_S <= row["age"] < STUCK_FOR_S + 300


def test_how_far_a_sink_is_behind(auditor: psycopg.Connection[Any]) -> None:
    (row,) = rows(auditor, "Sinks")
    assert (row["sink_name"], row["events_behind"], row["quarantined"]) == ("siem", 2, 0)
    assert row["acknowledged_at"] is not None


def test_what_the_last_verification_found(auditor: psycopg.Connection[Any]) -> None:
    (row,) = rows(auditor, "Verifications")
    assert (row["found"], row["executions"], row["detail"]) == ("intact", 11, None)


def test_incidents_refusals_and_policies(auditor: psycopg.Connection[Any]) -> None:
    (incident,) = rows(auditor, "Incidents of the record")
    assert (incident["event_name"], incident["sink_name"]) == ("audit.sink_failed", "siem")
    (refusal,) = rows(auditor, "Refused identities")
    assert (refusal["claimed_user_id"], refusal["reason_code"]) == ("mallory", "token_expired")
    (policy,) = rows(auditor, "Policies")
    assert (policy["state"], policy["policy_version"]) == ("in force", "0123456789abcdef")


def test_the_servers_to_choose_from(auditor: psycopg.Connection[Any]) -> None:
    (variable,) = DASHBOARD["templating"]["list"]
    assert auditor.execute(variable["query"].encode()).fetchall() == [("engineering",), ("finance",)]


def test_every_panel_is_tested_here() -> None:
    shown = {one for one in PANELS if f'"{one}"' in Path(__file__).read_text("utf-8")}
    assert shown == {*PANELS}
    assert len(PANELS) == len(DASHBOARD["panels"])


def test_a_series_has_the_shape_that_grafana_asks_for(auditor: psycopg.Connection[Any]) -> None:
    for title, panel in PANELS.items():
        (target,) = panel["targets"]
        assert (panel["type"] == "timeseries") == (target["format"] == "time_series")
        if target["format"] == "time_series":
            first, *_ = rows(auditor, title)
            assert next(iter(first)) == "time"


def test_an_auditor_can_only_read(auditor: psycopg.Connection[Any], roles: dict[str, str]) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        auditor.execute("DELETE FROM mcp_tool_executions")
    writing = "-c default_transaction_read_only=off"
    with (
        psycopg.connect(roles["auditor"], options=writing) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("DELETE FROM mcp_tool_executions")


def test_the_owner_of_the_record_is_no_superuser(roles: dict[str, str]) -> None:
    with psycopg.connect(roles["gatetrail"]) as connection:
        asked = (
            "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        assert connection.execute(asked).fetchone() == (False,)


def test_panels_do_not_overlap_and_read_the_provisioned_source() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        columns, lines = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        cells = {(x, y) for x in columns for y in lines}
        assert max(columns) < 24
        assert not cells & taken
        taken |= cells
        source = {"type": DATASOURCE["type"], "uid": DATASOURCE["uid"]}
        assert panel["datasource"] == panel["targets"][0]["datasource"] == source


def test_the_source_is_the_auditor_of_compose() -> None:
    assert DATASOURCE["user"] in (DEPLOY / "compose" / "roles.sql").read_text("utf-8")
    assert DATASOURCE["url"].partition(":")[0] in document(DEPLOY / "compose" / "compose.yaml")["services"]
    assert DATASOURCE["secureJsonData"]["password"].startswith("$")
