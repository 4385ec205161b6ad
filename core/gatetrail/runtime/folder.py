"""The data folder: where it is, and the secrets that are kept in it."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from pydantic import SecretStr

from gatetrail.errors import DataFolderUnusable, SettingsInvalid
from gatetrail.settings import ServiceSettings
from gatetrail_sinks.postgres.embedded import default_data_dir

SECRET_FILE = "jwt-secret"  # noqa: S105 -- the name of the file, not its content

REDACTION_KEY_FILE = "redaction-key"

STATE_KEY_FILE = "state-key"
MIN_STATE_KEY_BYTES = 32

SESSIONS_FILE = "sessions.sqlite3"

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


def state_keys(settings: ServiceSettings) -> tuple[bytes, ...]:
    """The key that seals what clients bring back, found in the same way, and behind it the one before it.

    Raises `DataFolderUnusable`, and `SettingsInvalid` for keys that are too short or the same.
    """
    keys = [_secret(settings, settings.state_key, STATE_KEY_FILE, "state key", "GATETRAIL_STATE_KEY")]
    if settings.state_key_before is not None:
        keys.append(settings.state_key_before.get_secret_value().encode())
    for name, key in zip(("state_key", "state_key_before"), keys, strict=False):
        if len(key) < MIN_STATE_KEY_BYTES:
            raise SettingsInvalid(f"{name}: {len(key)} bytes; expected at least {MIN_STATE_KEY_BYTES}")
    if len({*keys}) < len(keys):
        raise SettingsInvalid("state_key and state_key_before are the same; expected the new key and the old one")
    return tuple(keys)


def sessions_file(settings: ServiceSettings) -> Path:
    """Where the store `sqlite` is."""
    return settings.sessions.file or data_dir(settings) / SESSIONS_FILE


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
