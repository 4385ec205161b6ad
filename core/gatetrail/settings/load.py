"""Settings, read and validated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from gatetrail.errors import SettingsInvalid
from gatetrail.settings.secret_files import with_secrets_of_files
from gatetrail.settings.servers import SERVER_TAGS
from gatetrail.settings.service import ServiceSettings
from gatetrail.settings.values import VALUE_TAGS

_MAPPING = TypeAdapter(dict[str, Any])
_TAGS = SERVER_TAGS | VALUE_TAGS


def load_settings(config: Path | None = None, **over: Any) -> ServiceSettings:
    """Read the settings. What is given in `over` and is not None wins. Raises `SettingsInvalid`."""
    content = _read(config) if config is not None else {}
    try:
        found = ServiceSettings(**content)
        chosen = {key: value for key, value in over.items() if value is not None}
        return with_secrets_of_files(found, given=chosen).model_copy(update=chosen)
    except ValidationError as problem:
        raise SettingsInvalid(_explain(problem, config)) from None


def _read(config: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(config.read_text("utf-8"))
    except FileNotFoundError:
        raise SettingsInvalid(f"{config}: there is no such file; --config or GATETRAIL_CONFIG names it") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsInvalid(f"{config}: cannot be read: {problem}") from None
    except yaml.YAMLError as problem:
        raise SettingsInvalid(f"{config}{_place(problem)}: is not YAML: {_reason(problem)}") from None
    try:
        keys = _MAPPING.validate_python({} if content is None else content)
    except ValidationError:
        raise SettingsInvalid(f"{config}: expected keys and values at the top") from None
    unknown = sorted(keys.keys() - ServiceSettings.model_fields.keys())
    if unknown:
        known = ", ".join(sorted(ServiceSettings.model_fields))
        raise SettingsInvalid(f"{config}: unknown key {unknown[0]!r}; expected one of {known}")
    return keys


def _place(problem: yaml.YAMLError) -> str:
    mark = problem.problem_mark if isinstance(problem, yaml.MarkedYAMLError) else None
    return "" if mark is None else f":{mark.line + 1}"


def _reason(problem: yaml.YAMLError) -> str:
    # The error's own text quotes the line, in which a secret may stand.
    return str(problem.problem) if isinstance(problem, yaml.MarkedYAMLError) else type(problem).__name__


def _explain(problem: ValidationError, config: Path | None) -> str:
    source = str(config) if config else "settings"
    lines: list[str] = []
    for error in problem.errors():
        places = [str(part) for part in error["loc"] if part not in _TAGS]
        path = ".".join(places)
        variable = "GATETRAIL_" + "__".join(places).upper()
        lines.append(f"{source}: {path} ({variable}): {error['msg']}")
    return "\n".join(lines)
