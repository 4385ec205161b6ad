"""`python -m siem`: write all that is generated below siem-samples; `--check`: exit 1 and say what is different."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from siem.files import Files, different, stale, write
from siem.packages import datadog, elastic, grafana, sentinel, splunk, sumo
from siem.places import SAMPLES
from siem.queries import query_files

MAKERS: tuple[Callable[[], Files], ...] = (
    query_files,
    splunk.files,
    elastic.files,
    datadog.files,
    sumo.files,
    sentinel.files,
    grafana.files,
)
"""In the order of writing. The events have a maker of their own, `siem.corpus`, which needs a database."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m siem", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where something is different")
    check = parser.parse_args(arguments).check
    wrong: list[str] = []
    for make in MAKERS:
        files = make()
        wrong += different(SAMPLES, files) if check else ()
        old = stale(SAMPLES, files)
        wrong += old if check else ()
        if not check:
            write(SAMPLES, files)
            for name in old:
                (SAMPLES / name).unlink()
    for name in wrong:
        sys.stderr.write(f"siem-samples/{name} is not what its source says; run: make siem\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
