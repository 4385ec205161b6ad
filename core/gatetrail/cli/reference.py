"""All help on one page: `python -m gatetrail.cli.reference > docs/cli.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from gatetrail.cli.app import command
from gatetrail.cli.help import context_of, names_in

WIDTH = 80

HEAD = """\
# The command line

Made from the help of the commands themselves by `python -m gatetrail.cli.reference > docs/cli.md`; a test compares.
"""


def reference() -> str:
    """The page, as Markdown."""
    root = command()
    context = root.context_class(root, info_name="gatetrail", terminal_width=WIDTH, **root.context_settings)
    return "\n".join([HEAD, *_sections(context)])


def _sections(context: Any) -> Iterator[str]:
    yield f"## {context.command_path}\n\n```text\n{context.get_help().rstrip()}\n```\n"
    for name in names_in(context):
        yield from _sections(context_of(context, name))


if __name__ == "__main__":
    sys.stdout.write(reference())
