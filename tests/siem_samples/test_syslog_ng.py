"""syslog-ng with the shipped configuration, on events of our own sinks."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import orjson
import pytest

from gatetrail.events.journal import Entry
from gatetrail.tls import ClientTls
from gatetrail_sinks.file import FileSettings, FileSink
from gatetrail_sinks.syslog import SyslogSettings, SyslogSink, TransportKind
from tests.entries import make_entries
from tests.siem_samples import syslog_ng
from tests.siem_samples.shippers import AUDIT_FILE, SIEM_FILE, SIEM_HOST, Daemon, Site
from tests.sinks.rsyslog import free_ports

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E9")]

TLS_FOLDER = "/etc/syslog-ng-tls"
BATCHES = 40
BATCH = 10
ROTATED_AFTER = (14, 28)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    tls_port, tcp_port = free_ports(2)
    site = Site(tmp_path / "site", {6514: tls_port, 514: tcp_port})
    site.tls_files(TLS_FOLDER)
    return site


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


async def receiver(site: Site, running: ExitStack) -> Daemon:
    texts = {f"port({port})": f"port({free})" for port, free in site.ports.items()}
    sample = site.placed("syslog-ng/receive.conf", ["/var/log/siem", TLS_FOLDER], texts)
    daemon = syslog_ng.start(site, "receiver", sample + heads_to(site.path("/heads")))
    running.callback(daemon.stop)
    await daemon.until(lambda: all(map(listens, site.ports.values())), "its ports are open")
    return daemon


def heads_to(path: Path) -> str:
    """Have the receiver write down what the headers say, too."""
    return f"""
destination d_heads {{
  file("{path}" template("${{S_ISODATE}} ${{PROGRAM}} ${{MSGID}}\\n") frac-digits(6) time-zone("UTC"));
}};
log {{ source(s_gatetrail); destination(d_heads); }};
"""


def heads_of(entries: Sequence[Entry]) -> list[bytes]:
    keys = [orjson.loads(entry.line) for entry in entries]
    return [f"{one['@timestamp'][:-1]}+00:00 gatetrail {one['event_name']}".encode() for one in keys]


def follower(site: Site, running: ExitStack) -> Daemon:
    site.path("/var/lib/syslog-ng/gatetrail/x")
    site.path(AUDIT_FILE)
    folders = ["/var/log/gatetrail", "/var/lib/syslog-ng/gatetrail", TLS_FOLDER]
    texts = {f'"{SIEM_HOST}" port(6514)': f'"127.0.0.1" port({site.ports[6514]})'}
    daemon = syslog_ng.start(site, "follower", site.placed("syslog-ng/follow.conf", folders, texts))
    running.callback(daemon.stop)
    return daemon


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("transport", [TransportKind.TLS, TransportKind.TCP])
async def test_the_events_of_the_syslog_sink_arrive_unchanged(
    site: Site, running: ExitStack, transport: TransportKind
) -> None:
    daemon = await receiver(site, running)
    encrypted = transport is TransportKind.TLS
    tls = ClientTls(ca_file=site.path(f"{TLS_FOLDER}/ca.pem"), server_name=SIEM_HOST) if encrypted else None
    port = site.ports[6514 if encrypted else 514]
    sink = SyslogSink("siem", SyslogSettings(host="127.0.0.1", transport=transport, port=port, tls=tls))
    entries = await make_entries(200)
    await sink.write(entries)
    await sink.close()
    await daemon.until(lambda: len(site.lines(SIEM_FILE)) >= len(entries), "all events are there")
    assert site.lines(SIEM_FILE) == [entry.line for entry in entries]
    assert site.lines("/heads") == heads_of(entries)


async def test_the_file_is_followed_through_rotations_and_arrives_unchanged(site: Site, running: ExitStack) -> None:
    daemon = await receiver(site, running)
    audit = site.path(AUDIT_FILE)
    sink = FileSink("file", FileSettings(path=audit))
    entries = await make_entries(BATCHES * BATCH)
    follower(site, running)
    for number in range(BATCHES):
        await sink.write(entries[number * BATCH : (number + 1) * BATCH])
        await asyncio.sleep(0.1)  # so that it is read while we write
        if number in ROTATED_AFTER:
            audit.rename(audit.with_name(f"audit.{number}.jsonl"))
    await sink.close()
    await daemon.until(lambda: len(set(site.lines(SIEM_FILE))) >= len(entries), "all events are there")
    assert site.lines(SIEM_FILE) == [entry.line for entry in entries]
    assert site.lines("/heads") == heads_of(entries)


async def test_what_was_written_while_the_follower_was_down_comes_when_it_is_back(
    site: Site, running: ExitStack
) -> None:
    daemon = await receiver(site, running)
    sink = FileSink("file", FileSettings(path=site.path(AUDIT_FILE)))
    entries = await make_entries(100)
    await sink.write(entries[:50])
    first = follower(site, running)
    await daemon.until(lambda: len(site.lines(SIEM_FILE)) == 50, "the first half is there")
    await asyncio.to_thread(first.stop)
    await sink.write(entries[50:])
    await sink.close()
    follower(site, running)
    await daemon.until(lambda: len(set(site.lines(SIEM_FILE))) == 100, "the second half is there")
    assert list(dict.fromkeys(site.lines(SIEM_FILE))) == [entry.line for entry in entries]
