"""The one place that knows where the data folders are: beside the package in a wheel, at the top of a checkout."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def _folder(name: str) -> Traversable:
    packaged = files("gatetrail") / name
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / name


def migrations() -> Traversable:
    """The folder of numbered SQL files."""
    return _folder("migrations")


def schemas() -> Traversable:
    """The folder of released JSON Schemas, one sub-folder per major version."""
    return _folder("schemas")
