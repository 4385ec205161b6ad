"""The part of siem-samples/README.md that is generated: which rule was proven how, in which language."""

from __future__ import annotations

from siem.files import Files
from siem.places import SAMPLES
from siem.proof.matrix import table

PAGE = "README.md"
BEGIN, END = "<!-- matrix: begin -->\n", "<!-- matrix: end -->"


def page_files() -> Files:
    """The page as it stands, with the table as it ought to be. Raises ValueError where the marks are missing."""
    text = (SAMPLES / PAGE).read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"siem-samples/{PAGE}: the table needs a place between {BEGIN.strip()} and {END}")
    return {PAGE: f"{before}{BEGIN}\n{table().strip()}\n\n{END}{after}".encode()}
