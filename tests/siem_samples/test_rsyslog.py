"""rsyslog with the shipped configuration, on events of our own sinks."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import orjson
import pytest

from gatetrail.tls import ClientTls
from gatetrail_sinks.file import FileSettings, FileSink
from gatetrail_sinks.syslog import SyslogSettings, SyslogSink, TransportKind
from tests.entries import make_entries
from tests.require import require_or_skip
from tests.siem_samples.shippers import AUDIT_FILE, SIEM_FILE, SIEM_HOST, Daemon, Site
from tests.sinks.rsyslog import PROGRAM, free_ports

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E9")]

TLS_FOLDER = "/etc/rsyslog-tls"
BATCHES = 40
BATCH = 10
ROTATED_AFTER = (14, 28)
PORT_OF = {TransportKind.RELP: 2514, TransportKind.TLS: 6514, TransportKind.TCP: 514}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    require_or_skip(PROGRAM, "rsyslogd is not installed")
    for module in ("imrelp.so", "omrelp.so", "lmnsd_ossl.so", "mmjsonparse.so"):
        require_or_skip([*Path("/usr/lib").glob(f"**/rsyslog/{module}")], f"rsyslog's {module} is not installed")
    site = Site(tmp_path / "site", dict(zip(PORT_OF.values(), free_ports(3), strict=True)))
    site.tls_files(TLS_FOLDER)
    return site


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def start(site: Site, running: ExitStack, name: str, configuration: str) -> Daemon:
    assert PROGRAM is not None
    folder = site.root / name
    folder.mkdir(exist_ok=True)
    file = folder / "rsyslog.conf"
    # What a distribution's own rsyslog.conf says before it includes the folder that the samples are for.
    file.write_text(f'global(workDirectory="{folder}")\n{configuration}')
    daemon = Daemon([PROGRAM, "-n", "-f", str(file), "-i", str(folder / "pid")], folder / "said")
    running.callback(daemon.stop)
    return daemon


async def receiver(site: Site, running: ExitStack) -> Daemon:
    texts = {f'port="{port}"': f'port="{free}"' for port, free in site.ports.items()}
    sample = site.placed("rsyslog/receive.conf", ["/var/log/siem", TLS_FOLDER], texts)
    site.path(SIEM_FILE)
    heads = """
template(name="heads" type="string" string="%timereported:::date-rfc3339% %app-name% %msgid%\\n")
"""
    action = f'  action(type="omfile" file="{site.path("/heads")}" template="heads")\n  stop'
    daemon = start(site, running, "receiver", heads + sample.replace("  stop", action))
    await daemon.until(lambda: all(map(listens, site.ports.values())), "its ports are open")
    return daemon


def follower(site: Site, running: ExitStack) -> Daemon:
    texts = {f'target="{SIEM_HOST}" port="2514"': f'target="127.0.0.1" port="{site.ports[2514]}"'}
    site.path(AUDIT_FILE)
    return start(
        site,
        running,
        "follower",
        site.placed("rsyslog/follow.conf", ["/var/log/gatetrail", TLS_FOLDER], texts),
    )


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("transport", PORT_OF)
async def test_the_events_of_the_syslog_sink_arrive_unchanged(
    site: Site, running: ExitStack, transport: TransportKind
) -> None:
    daemon = await receiver(site, running)
    encrypted = transport is not TransportKind.TCP
    tls = ClientTls(ca_file=site.path(f"{TLS_FOLDER}/ca.pem"), server_name=SIEM_HOST) if encrypted else None
    port = site.ports[PORT_OF[transport]]
    sink = SyslogSink("siem", SyslogSettings(host="127.0.0.1", transport=transport, port=port, tls=tls))
    entries = await make_entries(200)
    await sink.write(entries)
    if transport is TransportKind.RELP:
        assert site.lines(SIEM_FILE) == [entry.line for entry in entries]
    await sink.close()
    await daemon.until(lambda: len(site.lines(SIEM_FILE)) >= len(entries), "all events are there")
    assert site.lines(SIEM_FILE) == [entry.line for entry in entries]


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
    keys = [orjson.loads(entry.line) for entry in entries]
    assert site.lines("/heads") == [f"{one['@timestamp']} gatetrail {one['event_name']}".encode() for one in keys]


async def test_what_was_written_while_a_side_was_down_comes_when_it_is_back(site: Site, running: ExitStack) -> None:
    receiving = await receiver(site, running)
    sink = FileSink("file", FileSettings(path=site.path(AUDIT_FILE)))
    entries = await make_entries(150)
    await sink.write(entries[:50])
    following = follower(site, running)
    await receiving.until(lambda: len(site.lines(SIEM_FILE)) == 50, "the first part is there")
    await asyncio.to_thread(following.stop)
    await sink.write(entries[50:100])
    following = follower(site, running)
    await receiving.until(lambda: len(set(site.lines(SIEM_FILE))) == 100, "the second part is there")
    await asyncio.to_thread(receiving.kill)
    await sink.write(entries[100:])
    await sink.close()
    receiving = await receiver(site, running)
    await receiving.until(lambda: len(set(site.lines(SIEM_FILE))) == 150, "the third part is there")
    assert list(dict.fromkeys(site.lines(SIEM_FILE))) == [entry.line for entry in entries]
