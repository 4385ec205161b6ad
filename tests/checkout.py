"""The files of the checkout that the tests run in."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.require import require_or_skip

ROOT = Path(__file__).parents[1]


def git_lines(*arguments: str) -> list[str]:
    """What git prints of the checkout, line by line; skips the test outside of a checkout."""
    require_or_skip((ROOT / ".git").exists(), "needs a git checkout")
    # The files may belong to somebody else, as when root tests a user's clone.
    command = ["git", "-c", "safe.directory=*", "-C", str(ROOT), *arguments]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return answer.stdout.splitlines()


def own_files() -> list[Path]:
    """Every file that is committed or would be, without those that git ignores."""
    names = git_lines("ls-files", "--cached", "--others", "--exclude-standard")
    return [path for name in sorted(set(names)) if (path := ROOT / name).is_file()]
