"""The data folder: what lies in it, who owns it, and how it is made."""

from __future__ import annotations

import errno
import hashlib
import os
import pwd
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gatetrail.errors import DataFolderUnusable
from gatetrail_sinks.postgres.embedded.account import ServerAccount, name_of
from gatetrail_sinks.postgres.embedded.spawn import first_unreachable

SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT_BYTES = 100
"""A socket's address holds 104 bytes on macOS and 108 on Linux (unix(4), unix(7))."""
PLAIN_PATH = re.compile(r"/[\w./+@~-]*", re.ASCII)
"""libpq splits a host at commas, and the server its list of socket folders."""
PRIVATE_MODE = 0o700
ANOTHER_PLACE = (
    "Choose another folder with --data-dir or GATETRAIL_DATA_DIR, or set GATETRAIL_DSN to another PostgreSQL server."
)


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """Gives `/var/lib/gatetrail` for root, else `gatetrail` below the user's data home.

    The data home is an absolute XDG_DATA_HOME or `~/.local/share` (XDG Base Directory
    Specification); relative values count as not set, as that specification says.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/gatetrail")
    data_home = Path(environ.get("XDG_DATA_HOME", ""))
    if data_home.is_absolute():
        return data_home / "gatetrail"
    home = environ.get("HOME") or pwd.getpwuid(os.geteuid()).pw_dir
    return Path(home) / ".local" / "share" / "gatetrail"


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The folder and the names in it. All but the cluster belong to the user that we run as."""

    root: Path

    @property
    def cluster(self) -> Path:
        return self.root / "postgres"

    @property
    def password_file(self) -> Path:
        return self.root / "password"

    @property
    def lock_file(self) -> Path:
        return self.root / "server.lock"

    @property
    def log_file(self) -> Path:
        return self.root / "postgres.log"

    def socket_folder(self, account: ServerAccount) -> Path:
        """Gives the same folder to every process: the cluster, or a short one when that is long."""
        inside = os.fsencode(self.cluster / SOCKET_NAME)
        if len(inside) <= SOCKET_PATH_LIMIT_BYTES and PLAIN_PATH.fullmatch(str(self.cluster)):
            return self.cluster
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path(f"/tmp/gatetrail-{account.uid}-{digest}")  # noqa: S108


def prepare_folder(folder: DataFolder) -> None:
    """Makes the folder if it is missing and checks that it is ours to write in.

    Only a folder that we made, or found empty, gets its mode changed; its parents never do.

    Raises:
        DataFolderUnusable: no permission, no space, not a folder, or another user's.
    """
    root = folder.root
    try:
        made = _make(root)
        owner = root.stat().st_uid
        if owner != os.geteuid():
            raise DataFolderUnusable(
                f"The data folder {root} belongs to user '{name_of(owner)}', and this process runs "
                f"as '{name_of(os.geteuid())}'. Run as its owner. {ANOTHER_PLACE}"
            )
        if made or not any(root.iterdir()):
            root.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        raise unusable(root, error) from error
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        raise DataFolderUnusable(f"The data folder {root} cannot be written to. Give its owner rwx. {ANOTHER_PLACE}")


def require_way_in(folder: DataFolder, account: ServerAccount) -> None:
    """Refuses a folder that the server's user cannot get into, instead of opening up parents."""
    closed = first_unreachable(account, folder.root)
    if closed is None:
        return
    raise DataFolderUnusable(
        f"The data folder {folder.root} is out of reach for user '{account.name}', who runs "
        f"PostgreSQL because root may not: {closed} is closed to that user. {ANOTHER_PLACE}"
    )


def make_socket_folder(folder: DataFolder, account: ServerAccount) -> Path:
    """Makes the short folder if one is needed: mode 0700, owned by the server's user.

    Raises:
        DataFolderUnusable: somebody else made a folder of that name.
    """
    place = folder.socket_folder(account)
    if place == folder.cluster:
        return place
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        if place.lstat().st_uid == os.geteuid() and not account.is_ours:
            os.chown(place, account.uid, account.gid, follow_symlinks=False)
        found = place.lstat()
    except OSError as error:
        raise unusable(place, error) from error
    private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == PRIVATE_MODE
    if found.st_uid != account.uid or not private:
        raise DataFolderUnusable(
            f"{place}, the folder for the server's socket, is not a private folder of user "
            f"'{account.name}'. Remove it, or use a shorter --data-dir, which needs no such folder."
        )
    return place


def unusable(path: Path, error: OSError) -> DataFolderUnusable:
    """Says in words what the system refused."""
    match error.errno:
        case errno.EACCES | errno.EPERM | errno.EROFS:
            reason = f"user '{name_of(os.geteuid())}' may not write there"
        case errno.ENOSPC | errno.EDQUOT:
            reason = "the disk is full"
        case errno.EEXIST | errno.ENOTDIR:
            reason = "something on this path is not a folder"
        case _:
            reason = error.strerror or str(error)
    return DataFolderUnusable(f"{error.filename or path} cannot be used: {reason}. {ANOTHER_PLACE}")


def _make(root: Path) -> bool:
    root.parent.mkdir(parents=True, exist_ok=True)
    try:
        root.mkdir(mode=0o700)
    except FileExistsError:
        return False
    return True
