"""The data folder: where it is, and the secret that is kept in it."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from gatetrail.errors import DataFolderUnusable
from gatetrail.settings import ServiceSettings
from gatetrail_sinks.postgres.embedded import default_data_dir

SECRET_FILE = "jwt-secret"  # noqa: S105 -- the name of the file, not its content

SPOOL_FOLDER = "spool"


def data_dir(settings: ServiceSettings) -> Path:
    """The folder that the settings name, else the user's own."""
    return (settings.data_dir or default_data_dir(os.environ)).expanduser().absolute()


def spool_dir(settings: ServiceSettings) -> Path:
    """The folder of the spool, made and tried out now: when it is needed it is too late to find out.

    Raises `DataFolderUnusable`.
    """
    folder = data_dir(settings) / SPOOL_FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as problem:
        raise DataFolderUnusable(
            f"{folder}: denials cannot be kept here while the database is away: {problem.strerror};"
            " name another data folder with GATETRAIL_DATA_DIR"
        ) from problem


def jwt_secret(settings: ServiceSettings) -> bytes:
    """The signing secret: from the settings, else from the data folder, where it is made on first use.

    Raises `DataFolderUnusable`.
    """
    if settings.jwt_secret is not None:
        return settings.jwt_secret.get_secret_value().encode()
    path = data_dir(settings) / SECRET_FILE
    try:
        return _existing(path) or _make(path)
    except OSError as problem:
        raise DataFolderUnusable(
            f"{path}: the signing secret cannot be kept here: {problem.strerror};"
            " name another folder with GATETRAIL_DATA_DIR, or give the secret with GATETRAIL_JWT_SECRET"
        ) from problem


def _existing(path: Path) -> bytes | None:
    try:
        return path.read_bytes().strip() or None
    except FileNotFoundError:
        return None


def _make(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    ready = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    ready.touch(mode=0o600)
    ready.write_text(secrets.token_urlsafe(48))
    try:
        os.link(ready, path)
    except FileExistsError:
        pass
    finally:
        ready.unlink()
    return path.read_bytes().strip()
