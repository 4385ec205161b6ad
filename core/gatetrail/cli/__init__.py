"""The command line. stdout is data, stderr is talk."""

from gatetrail.cli.door import main

__all__ = ["main"]
