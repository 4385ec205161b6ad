"""Values of the settings, found where they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from pydantic import SecretStr

from gatetrail.errors import SettingsInvalid
from gatetrail.settings import FromEnvironment, FromFile, Value


def found(where: str, value: Value, environment: Mapping[str, str | None]) -> tuple[str, str]:
    """What the settings put before the value, and the value. Raises `SettingsInvalid`."""
    match value:
        case SecretStr():
            prefix, bare = "", value.get_secret_value()
        case FromEnvironment():
            prefix, bare = value.prefix, _variable(where, value, environment)
        case FromFile():
            prefix, bare = value.prefix, _content(where, value)
        case _:
            assert_never(value)
    if any(character in prefix + bare for character in "\0\r\n"):
        raise SettingsInvalid(f"{where}: the value must be one line, without NUL characters")
    return prefix, bare


def _variable(where: str, value: FromEnvironment, environment: Mapping[str, str | None]) -> str:
    known = environment.get(value.from_env)
    if known is None:
        raise SettingsInvalid(f"{where}.from_env: the environment variable {value.from_env} is not set")
    return known


def _content(where: str, value: FromFile) -> str:
    try:
        return value.from_file.read_text("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise SettingsInvalid(f"{where}.from_file: {value.from_file} is not UTF-8") from None
    except OSError as problem:
        reason = problem.strerror or problem
        raise SettingsInvalid(f"{where}.from_file: {value.from_file} cannot be read: {reason}") from None
