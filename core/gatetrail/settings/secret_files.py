"""Secrets that stand in files, as containers, Kubernetes and systemd hand them over."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from gatetrail.errors import SettingsInvalid
from gatetrail.settings.service import ServiceSettings

SECRETS = ("dsn", "jwt_secret", "redaction_key", "state_key", "state_key_before")
"""Settings that have a twin `NAME_file`."""


def with_secrets_of_files(settings: ServiceSettings, *, given: Collection[str] = ()) -> ServiceSettings:
    """The settings with what their secret files hold; `given` names secrets whose file does not count.

    Line breaks at the end of a file do not count. Raises `SettingsInvalid`.
    """
    found: dict[str, Any] = {}
    for name in SECRETS:
        file: Path | None = getattr(settings, f"{name}_file")
        if file is None or name in given:
            continue
        if getattr(settings, name) is not None:
            raise SettingsInvalid(f"{name} and {name}_file are both set; give one of them")
        found[name] = SecretStr(_content(name, file))
    if (file := settings.rate_store.url_file) is not None and "rate_store" not in given:
        url = SecretStr(_content("rate_store.url", file))
        found["rate_store"] = settings.rate_store.model_copy(update={"url": url, "url_file": None})
    return settings.model_copy(update=found)


def _content(name: str, file: Path) -> str:
    where = f"{name}_file (GATETRAIL_{name.upper().replace('.', '__')}_FILE): {file}"
    try:
        content = file.read_text("utf-8").rstrip("\r\n")
    except OSError as problem:
        raise SettingsInvalid(f"{where} cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsInvalid(f"{where} is not UTF-8 text") from None
    if not content:
        raise SettingsInvalid(f"{where} is empty; expected the {name}")
    return content
