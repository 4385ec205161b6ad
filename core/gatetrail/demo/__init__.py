"""The main job shown on real traffic, with figures that are read back from the record."""

from gatetrail.demo.show import run_demo

__all__ = ["run_demo"]
