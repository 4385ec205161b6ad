"""The operating system's user that the server runs as. PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from gatetrail.errors import DatabaseUnavailable

DEFAULT_USERS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class ServerAccount:
    """A user with a passwd entry, which `initdb` insists on; never root."""

    name: str
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()


def choose_account(server_user: str | None, cluster: Path) -> ServerAccount:
    """Gives the user to run the server as.

    An ordinary user runs it as itself. Root runs it as `server_user`; without one, as the owner of
    the cluster that is already there, else as `postgres` or `nobody`, whichever exists first.

    Raises:
        DatabaseUnavailable: the user does not exist, is root, or cannot be switched to.
    """
    if os.geteuid() != 0:
        return _own_account(server_user)
    if server_user is not None:
        return _refuse_root(_by_name(server_user))
    owner = _owner(cluster)
    return _by_uid(owner) if owner else _first_default()


def name_of(uid: int) -> str:
    """Gives the user's name, or its number when it has no passwd entry."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"number {uid}"


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except OSError:
        return None


def _own_account(server_user: str | None) -> ServerAccount:
    account = _by_uid(os.geteuid())
    if server_user is not None and server_user != account.name:
        raise DatabaseUnavailable(
            f"The embedded PostgreSQL cannot run as user '{server_user}': only root may switch "
            f"users, and this is '{account.name}'. Leave the server's user out, or start as root."
        )
    return account


def _first_default() -> ServerAccount:
    for name in DEFAULT_USERS:
        try:
            return _refuse_root(_account(pwd.getpwnam(name)))
        except KeyError:
            continue
    raise DatabaseUnavailable(
        "PostgreSQL refuses to run as root, and neither 'postgres' nor 'nobody' is a user here. "
        "Start as an ordinary user, or set GATETRAIL_DSN to another PostgreSQL server."
    )


def _refuse_root(account: ServerAccount) -> ServerAccount:
    if account.uid == 0:
        raise DatabaseUnavailable("PostgreSQL refuses to run as root. Name an ordinary user for the server.")
    return account


def _by_name(name: str) -> ServerAccount:
    try:
        return _account(pwd.getpwnam(name))
    except KeyError:
        raise DatabaseUnavailable(
            f"The embedded PostgreSQL cannot run as user '{name}': there is no such user."
        ) from None


def _by_uid(uid: int) -> ServerAccount:
    try:
        return _account(pwd.getpwuid(uid))
    except KeyError:
        raise DatabaseUnavailable(
            f"The embedded PostgreSQL needs a user with a passwd entry, and user number {uid} has "
            "none. Add the entry, or set GATETRAIL_DSN to another PostgreSQL server."
        ) from None


def _account(entry: pwd.struct_passwd) -> ServerAccount:
    return ServerAccount(entry.pw_name, entry.pw_uid, entry.pw_gid)
