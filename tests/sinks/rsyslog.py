"""A real rsyslogd for one test: its own configuration, folder, pid file and free ports."""

from __future__ import annotations

import asyncio
import random
import shutil
import socket
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.require import require_or_skip
from tests.sinks.certificates import Authority

PROGRAM = shutil.which("rsyslogd", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin")
WITHIN_S = 20.0
PORTS = range(20_000, 32_000)
"""Below the ports that the system gives to outgoing connections, or one of those would sit on ours one day."""

HEADER = (
    '{"severity":"%syslogseverity%","facility":"%syslogfacility-text%","time":"%timereported:::date-rfc3339%",'
    '"hostname":"%hostname%","app_name":"%app-name%","procid":"%procid%","msgid":"%msgid%",'
    '"structured_data":"%structured-data:::json%"}'
)


class Rsyslog:
    """Listens on five ports. Messages go to `messages`, what was parsed of their headers to `headers`.

    With a `direct` queue a message is in the file before anything is answered; the other inputs use the same rules.
    `more` is added to its configuration.
    """

    def __init__(self, folder: Path, *, direct: bool = True, client_certificates: bool = False, more: str = "") -> None:
        require_or_skip(PROGRAM, "rsyslogd is not installed")
        for module in ("imrelp.so", "lmnsd_ossl.so"):
            require_or_skip(
                [*Path("/usr/lib").glob(f"**/rsyslog/{module}")], f"rsyslog's module {module} is not installed"
            )
        self._folder = folder / "rsyslog"
        self._folder.mkdir(parents=True)
        self.authority = Authority(self._folder)
        self.messages = self._folder / "messages"
        self.headers = self._folder / "headers"
        self.own_words = self._folder / "own-words"
        self.udp_port, self.tcp_port, self.tls_port, self.relp_port, self.relp_tls_port = free_ports(5)
        self._configuration = self._folder / "rsyslog.conf"
        self._configuration.write_text(self._configured(direct=direct, client_certificates=client_certificates) + more)
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Return when all ports are open."""
        assert PROGRAM is not None
        command = [PROGRAM, "-n", "-f", str(self._configuration), "-i", str(self._folder / "pid")]
        with self.own_words.open("ab") as own_words:
            self._process = subprocess.Popen(command, stdout=own_words, stderr=own_words)  # noqa: ASYNC220 returns at once
        for port in (self.tcp_port, self.tls_port, self.relp_port, self.relp_tls_port):
            await self._until(partial(_taken, port, socket.SOCK_STREAM), f"port {port} opens")
        await self._until(partial(_taken, self.udp_port, socket.SOCK_DGRAM), "the UDP port opens")

    async def kill(self) -> None:
        """SIGKILL."""
        await self._end(lambda process: process.kill())

    async def stop(self) -> None:
        """An orderly end: what is in queues gets written."""
        await self._end(lambda process: process.terminate())

    async def lines(self, at_least: int = 0) -> list[bytes]:
        """The messages, once there are so many different ones."""
        return await self.lines_of(self.messages, at_least)

    async def lines_of(self, path: Path, at_least: int) -> list[bytes]:
        """What is in one of its files, once there are so many different lines."""

        def complete() -> bool:
            return len(set(self._lines(path))) >= at_least

        await self._until(complete, f"{at_least} different lines are in {path.name}", must_run=False)
        return self._lines(path)

    async def header_lines(self, at_least: int) -> list[bytes]:
        """The headers, once there are so many."""
        await self._until(lambda: len(self._lines(self.headers)) >= at_least, f"{at_least} headers are there")
        return self._lines(self.headers)

    def said(self) -> str:
        """What rsyslogd has to say of itself and of its peers."""
        return self.own_words.read_text(errors="replace") if self.own_words.exists() else ""

    def _lines(self, path: Path) -> list[bytes]:
        return path.read_bytes().split(b"\n")[:-1] if path.exists() else []

    async def _end(self, how: Callable[[subprocess.Popen[bytes]], None]) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            how(process)
            await asyncio.to_thread(process.wait, WITHIN_S)

    async def _until(self, condition: Callable[[], bool], wanted: str, *, must_run: bool = True) -> None:
        try:
            async with asyncio.timeout(WITHIN_S):
                while not condition():
                    if must_run and (self._process is None or self._process.poll() is not None):
                        break
                    await asyncio.sleep(0.005)
                else:
                    return
        except TimeoutError:
            pass
        raise AssertionError(f"waited in vain until {wanted}; rsyslogd says: {self.said()[-2000:]}")

    def _configured(self, *, direct: bool, client_certificates: bool) -> str:
        server = self.authority.sign("receiver.test")
        mode = "x509/certvalid" if client_certificates else "anon"
        queue = 'queue.type="Direct"' if direct else ""
        tls_files = (
            f'tls.caCert="{self.authority.ca_file}" tls.myCert="{server.certificate_file}" '
            f'tls.myPrivKey="{server.key_file}"'
        )
        relp_mode = 'tls.authMode="certvalid"' if client_certificates else ""
        return f"""
global(workDirectory="{self._folder}" processInternalMessages="on" maxMessageSize="64k" net.enableDNS="off"
       parser.escapeControlCharactersOnReceive="off" defaultNetstreamDriver="ossl"
       defaultNetstreamDriverCAFile="{self.authority.ca_file}"
       defaultNetstreamDriverCertFile="{server.certificate_file}"
       defaultNetstreamDriverKeyFile="{server.key_file}")
module(load="imudp") module(load="imptcp")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="{mode}")
module(load="imrelp" tls.tlslib="openssl")
template(name="message" type="string" string="%msg%\\n")
template(name="header" type="string" string="{HEADER.replace('"', chr(92) + '"')}\\n")
ruleset(name="keep" {queue}) {{
  action(type="omfile" file="{self.messages}" template="message")
  action(type="omfile" file="{self.headers}" template="header")
}}
input(type="imudp" address="127.0.0.1" port="{self.udp_port}" ruleset="keep" rcvbufSize="1m")
input(type="imptcp" address="127.0.0.1" port="{self.tcp_port}" ruleset="keep")
input(type="imtcp" address="127.0.0.1" port="{self.tls_port}" ruleset="keep")
input(type="imrelp" address="127.0.0.1" port="{self.relp_port}" ruleset="keep")
input(type="imrelp" address="127.0.0.1" port="{self.relp_tls_port}" ruleset="keep" tls="on" {relp_mode} {tls_files})
ruleset(name="own") {{ action(type="omfile" file="{self.own_words}") }}
if $inputname == "rsyslogd" then {{ call own stop }}
"""


def free_ports(count: int) -> list[int]:
    """Ports that are free now for UDP and TCP."""
    found: list[int] = []
    while len(found) < count:
        port = random.choice(PORTS)
        if port not in found and not any(_taken(port, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)):
            found.append(port)
    return found


def _taken(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # an ended connection does not count
        try:
            probe.bind(("127.0.0.1", port))
            if kind is socket.SOCK_STREAM:
                probe.listen()
        except OSError:
            return True
        return False
