"""Where things are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "siem-samples"
SIGMA = SAMPLES / "sigma"
"""One file for each rule that Sigma can express."""
NATIVE = SAMPLES / "native"
"""One folder for each rule that it cannot."""
SQL = SAMPLES / "sql"
"""Every rule once more, for PostgreSQL, written by hand."""
EVENTS = SAMPLES / "events"
CORPUS = EVENTS / "audit.jsonl"
"""The events, a line each, as a file sink writes them."""
GOLDEN = EVENTS / "golden.json"
"""What each rule must find in them."""
TOWNS = EVENTS / "places.csv"
"""Where their addresses are, for `impossible_travel`."""
EVERY_KIND = EVENTS / "every-kind.jsonl"
"""One event of each name that there is, with all keys that it may have."""
SCHEMA = ROOT / "schemas" / "v1" / "event.schema.json"
