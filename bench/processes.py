"""Servers and callers in processes of their own, and the CPU time that a process has used."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import orjson
import psycopg

from bench.mcp_server import Contestant
from bench.raw_client import LONGEST_S, Load

ROOT = Path(__file__).parents[1]
START_LIMIT_S = 60.0
STOP_LIMIT_S = 20.0
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """A contestant that answers."""

    contestant: Contestant
    dsn: str
    pid: int
    postmaster_pid: int | None
    """None when PostgreSQL is not on this machine."""
    port: int
    token: str


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds of the server process, and of PostgreSQL; None where it runs elsewhere."""

    server_s: float
    postgres_s: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """One load on one server."""

    load: Load
    before: Cpu
    after: Cpu


@contextmanager
def started(contestant: Contestant, dsn: str, folder: Path) -> Generator[Server]:
    """A server, until the block ends."""
    folder.mkdir()
    command = [sys.executable, "-m", "bench.mcp_server", contestant.value, dsn, str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        answer = orjson.loads(_line(process.stdout, START_LIMIT_S))
        yield Server(contestant, dsn, process.pid, _postmaster_pid(dsn), answer["port"], answer["token"])
    finally:
        process.stdin.close()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def measure(client: str, server: Server, callers: int, warm_up_s: float, window_s: float) -> Measured:
    """Load a server with callers of the module `client`."""
    arguments = (server.port, server.token, callers, warm_up_s, window_s)
    command = [sys.executable, "-m", client, *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        try:
            assert _line(process.stdout, LONGEST_S) == b"begin\n"
            before = _cpu(server)
            assert _line(process.stdout, LONGEST_S) == b"end\n"
            after = _cpu(server)
            load = Load(**orjson.loads(process.communicate(timeout=LONGEST_S)[0]))
        finally:
            process.kill()
    return Measured(load, before, after)


def _cpu(server: Server) -> Cpu:
    postmaster = server.postmaster_pid
    return Cpu(_used_s(server.pid), None if postmaster is None else _used_by_tree_s(postmaster))


def _postmaster_pid(dsn: str) -> int | None:
    with psycopg.connect(dsn) as connection:
        backend = connection.info.backend_pid
        try:
            fields = _fields(backend)
            command = Path(f"/proc/{backend}/cmdline").read_bytes()
        except OSError:
            return None
    return int(fields[_PARENT]) if b"postgres" in command else None


# Counted from behind the name in /proc/PID/stat, as in proc(5).
_PARENT, _USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM = 1, 11, 12, 13, 14


def _fields(pid: int) -> list[str]:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return stat[stat.rindex(")") + 2 :].split()


def _used_s(pid: int) -> float:
    fields = _fields(pid)
    return (int(fields[_USER]) + int(fields[_SYSTEM])) * TICK_S


def _used_by_tree_s(parent: int) -> float:
    """Of a process, of its children, and of those that have ended."""
    own = _fields(parent)
    ticks = sum(int(own[index]) for index in (_USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM))
    used_s = ticks * TICK_S
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        with suppress(OSError):  # it has ended just now
            used_s += _used_s(int(child))
    return used_s


def _line(stream: IO[bytes], limit_s: float) -> bytes:
    """The next line; the writer writes whole lines only."""
    if not select.select([stream], [], [], limit_s)[0]:
        raise TimeoutError(f"no answer within {limit_s:g} s")
    return stream.readline()
