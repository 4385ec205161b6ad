"""`python -m siem`: write all that is generated below siem-samples; `--check`: exit 1 and say what is different.

Exit 2 where a source cannot be used; nothing is written then.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from siem.files import Files, different, remove_stale, stale, write
from siem.packages import datadog, elastic, grafana, sentinel, splunk, sumo
from siem.page import page_files
from siem.places import SAMPLES
from siem.queries import query_files
from siem.sources import RuleBroken

MAKERS: tuple[Callable[[], Files], ...] = (
    query_files,
    splunk.files,
    elastic.files,
    datadog.files,
    sumo.files,
    sentinel.files,
    grafana.files,
    page_files,
)
"""In the order of writing. The events have a maker of their own, `siem.corpus`, which needs a database."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m siem", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where something is different")
    check = parser.parse_args(arguments).check
    try:
        made = [make() for make in MAKERS]
    except RuleBroken as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    told = [line for files in made for line in (_wrong(files) if check else _written(files))]
    for line in told:
        sys.stderr.write(f"siem-samples/{line}\n")
    return 1 if check and told else 0


def _wrong(files: Files) -> list[str]:
    return [
        *(f"{name} is not what its source says; run: make siem" for name in different(SAMPLES, files)),
        *(f"{name} has no source; what is yours move elsewhere, then run: make siem" for name in stale(SAMPLES, files)),
    ]


def _written(files: Files) -> list[str]:
    write(SAMPLES, files)
    return [f"{name} had no source and was removed" for name in remove_stale(SAMPLES, files)]


if __name__ == "__main__":
    sys.exit(main())
