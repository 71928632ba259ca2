"""Documentation matches the code: generated tables, commands, tests, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from configs.table import settings_table
from serve_app.api.error_table import error_table
from serve_app.cli.main import app

ROOT = Path(__file__).parent.parent.parent
DOCS = ("benchmarks", "consistency", "deployment", "reliability")
README = (ROOT / "README.md").read_text()


def test_settings_page_matches_settings() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == settings_table()


def test_errors_page_matches_error_classes() -> None:
    assert (ROOT / "docs" / "errors.md").read_text() == error_table()


def test_readme_commands_exist() -> None:
    commands = set(get_command(app).commands)  # pyright: ignore[reportAttributeAccessIssue]
    named = set(re.findall(r"\.venv/bin/paperworks (\w+)", README))
    assert named <= commands
    assert {"up", "upload", "search", "jobs", "documents", "bulk", "doctor"} <= commands


def test_readme_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE)) <= targets


PAGES = ("README.md", "samples/README.md", *(f"docs/{page}.md" for page in DOCS))


def test_reliability_page_names_existing_tests() -> None:
    lines = (ROOT / "docs" / "reliability.md").read_text().splitlines()
    promises = [line for line in lines if line.startswith("| ") and line != "| promise | test |"]
    assert len(promises) > 20
    for promise in promises:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", promise)
        assert named, f"no test shows: {promise}"
        for file, test in named:
            assert f"def {test}(" in (ROOT / file).read_text(), (file, test)


@pytest.mark.parametrize("page", PAGES)
def test_documentation_links_resolve(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", text):
        assert ((ROOT / page).parent / target).exists(), target
