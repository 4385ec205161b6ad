"""The shipped shipper configuration, put into a folder of a test: other paths, ports and host, nothing else."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.checkout import ROOT
from tests.sinks.certificates import Authority

SAMPLES = ROOT / "siem-samples" / "shippers"
AUDIT_FILE = "/var/log/gatetrail/audit.jsonl"
SIEM_FILE = "/var/log/siem/gatetrail.jsonl"
SIEM_HOST = "siem.example.com"
WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Site:
    """A folder that stands for `/`, with the keys and certificates that the samples name."""

    root: Path
    ports: Mapping[int, int] = field(default_factory=dict[int, int])
    """The free port for each port that the samples name."""

    def path(self, name: str) -> Path:
        """Where the file of a sample is here. Its folder is there."""
        path = self.root / name.removeprefix("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def tls_files(self, folder: str) -> None:
        """An authority and the SIEM's certificate, under the names that the samples use."""
        authority = Authority(self.root / "authority")
        siem = authority.sign(SIEM_HOST)
        for name, source in (
            ("ca.pem", authority.ca_file),
            ("siem.pem", siem.certificate_file),
            ("siem.key", siem.key_file),
        ):
            self.path(f"{folder}/{name}").write_bytes(source.read_bytes())

    def placed(self, sample: str, folders: Sequence[str], texts: Mapping[str, str]) -> str:
        """A sample with these folders below `root` and these texts replaced. Each of them has to be in it."""
        content = (SAMPLES / sample).read_text("utf-8")
        replaced = {**texts, **{folder: f"{self.root}{folder}" for folder in folders}}
        for text, other in replaced.items():
            assert text in content, f"{sample} has no {text}"
            content = content.replace(text, other)
        return content

    def lines(self, name: str) -> list[bytes]:
        """The whole lines of a file here."""
        path = self.path(name)
        return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


class Daemon:
    """A program in the foreground; what it says is kept."""

    def __init__(self, command: Sequence[str], said: Path, env: Mapping[str, str] | None = None) -> None:
        self._said = said
        with said.open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output, env=env)

    def stop(self) -> None:
        """An orderly end, within bounds."""
        self._process.terminate()
        try:
            self._process.wait(WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait(WITHIN_S)

    async def until(self, condition: Callable[[], bool], wanted: str) -> None:
        """Return when the condition holds. Fails after a bound, and when the program has ended."""
        try:
            async with asyncio.timeout(WITHIN_S):
                while not condition():
                    assert self._process.poll() is None, f"ended with {self._process.returncode}: {self.said()}"
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"waited in vain until {wanted}; it says: {self.said()}") from None

    def said(self) -> str:
        """The end of what it has to say."""
        return self._said.read_text(errors="replace")[-3000:]
