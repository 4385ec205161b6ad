"""The command line. stdout is data, stderr is talk."""

from gatetrail.cli.start import main

__all__ = ["main"]
