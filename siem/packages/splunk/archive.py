"""The add-on as one file that Splunk installs: `python -m siem.packages.splunk.archive [FOLDER]`."""

from __future__ import annotations

import gzip
import io
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

from siem.packages.splunk.about import ADD_ON, FOLDER, version
from siem.places import ROOT, SAMPLES

BUILT = ROOT / "build" / "siem"


def build(folder: Path = BUILT) -> Path:
    """Write `TA-gatetrail-VERSION.tgz`; the same files give the same bytes. Says where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{ADD_ON}-{version()}.tgz"
    path.write_bytes(gzip.compress(_tar(SAMPLES / FOLDER), mtime=0))
    return path


def _tar(folder: Path) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in [folder, *sorted(folder.rglob("*"))]:
            archive.add(path, f"{ADD_ON}/{path.relative_to(folder).as_posix()}".rstrip("/."), False, filter=_plain)
    return content.getvalue()


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nobody's, of no time, readable by all and run by nobody."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() else 0o644
    return member


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; prints the path."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    sys.stdout.write(f"{build(Path(given[0]) if given else BUILT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
