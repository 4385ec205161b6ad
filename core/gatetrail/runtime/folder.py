"""The data folder: where it is, and the secrets that are kept in it."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from pydantic import SecretStr

from gatetrail.errors import DataFolderUnusable
from gatetrail.settings import ServiceSettings
from gatetrail_sinks.postgres.embedded import default_data_dir

SECRET_FILE = "jwt-secret"  # noqa: S105 -- the name of the file, not its content

REDACTION_KEY_FILE = "redaction-key"

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
    return _secret(settings, settings.jwt_secret, SECRET_FILE, "signing secret", "GATETRAIL_JWT_SECRET")


def redaction_key(settings: ServiceSettings) -> bytes:
    """The key of redaction's hashes, found in the same way. Raises `DataFolderUnusable`."""
    return _secret(settings, settings.redaction_key, REDACTION_KEY_FILE, "redaction key", "GATETRAIL_REDACTION_KEY")


def _secret(settings: ServiceSettings, given: SecretStr | None, file: str, noun: str, variable: str) -> bytes:
    if given is not None:
        return given.get_secret_value().encode()
    path = data_dir(settings) / file
    try:
        return _existing(path) or _make(path)
    except OSError as problem:
        raise DataFolderUnusable(
            f"{path}: the {noun} cannot be kept here: {problem.strerror};"
            f" name another folder with GATETRAIL_DATA_DIR, or give the value with {variable}"
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
