"""Rules for what may be committed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.checkout import ROOT, git_lines, own_files

LONGEST_FILE_LINES = 300
# In pieces, or this file would break its own rule.
REGISTRY_HOSTS = [
    ".".join(labels)
    for labels in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("archive", "ubuntu", "com"),
    )
]
# Ann lives in our examples.
DEVELOPER_PATH = re.compile(r"(?<![\w./~-])/(?:work/|root/|home/(?!ann\b)[a-z])")


@pytest.mark.parametrize("host", REGISTRY_HOSTS)
def test_no_file_names_a_package_registry(host: str) -> None:
    assert [relative(path) for path in own_files() if host in text_of(path)] == []


def test_no_file_names_a_path_of_a_developers_machine() -> None:
    found = [
        f"{relative(path)}:{number}"
        for path in own_files()
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if DEVELOPER_PATH.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("name", ["uv.lock", "pylock.toml", "yarn.lock"])
def test_no_lock_file_that_records_addresses_is_tracked(name: str) -> None:
    assert git_lines("ls-files", f":(glob)**/{name}") == []


def test_a_product_file_is_one_noun() -> None:
    lengths = {
        relative(path): len(text_of(path).splitlines())
        for path in own_files()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in {"core", "siem", "sinks"}
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE_LINES} == {}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
