"""Documentation matches the code: generated pages, commands, fields, tests, links, images."""

from __future__ import annotations

import itertools
import re
import shlex
from typing import Any

import pytest
from PIL import Image
from pydantic import BaseModel
from typer.main import get_command

from configs.table import settings_table
from serve_app.api.error_table import error_table
from serve_app.api.route_table import route_table
from serve_app.cli.main import app
from serve_app.schemas import access, core
from tests.paths import ROOT

DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text()
PAGES = tuple(
    str(page.relative_to(ROOT))
    for page in (
        *(ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "samples" / "README.md"),
        *sorted(DOCS.rglob("*.md")),
    )
)
IMAGES = tuple(path.name for path in sorted((DOCS / "images").glob("*.png")))
MAX_IMAGE_BYTES = 200_000
SHELL = frozenset({"|", ">", "<", "&&", "&"})
WIDTHS = {"search-phone.png": 360}  # of the others 1280


def test_settings_page_matches_settings() -> None:
    assert (DOCS / "settings.md").read_text() == settings_table()


def test_errors_page_matches_error_classes() -> None:
    assert (DOCS / "errors.md").read_text() == error_table()


def test_routes_page_matches_routes() -> None:
    assert (DOCS / "routes.md").read_text() == route_table()


def test_routes_page_states_key_of_each_route() -> None:
    rows = [line for line in route_table().splitlines() if line.startswith("| `")]
    keys = {row.split("`")[1]: row.rsplit("|", 2)[1].strip() for row in rows}
    assert len(keys) == len(rows) > 45
    assert keys["POST /api/v1/search"] == "search"
    assert keys["GET /api/v1/jobs/{job_id}"] == "search or ingest"
    assert keys["PATCH /api/v1/documents/{document_id}"] == "ingest"
    assert keys["GET /api/v1/access"] == "any"
    assert keys["GET /readyz"] == "none"


def test_concepts_page_names_existing_fields() -> None:
    models = [one for one in (*vars(core).values(), *vars(access).values()) if _is_model(one)]
    known = {name for one in models for name in (*one.model_fields, *one.model_computed_fields)}
    rows = [
        line.rsplit("|", 2)[1]
        for line in (DOCS / "concepts.md").read_text().splitlines()
        if line.startswith("| ") and "/metrics" not in line
    ]
    named = {field for row in rows for field in re.findall(r"`(\w+)", row)}
    assert len(named) > 40
    assert named - known == set()


def _is_model(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, BaseModel)


@pytest.mark.parametrize("page", PAGES)
def test_documented_commands_exist(page: str) -> None:
    for line in _lines_of_code((ROOT / page).read_text()):
        if found := re.match(r"(?:[A-Z_]+=\S+ )*(?:\S*/)?paperworks ([^…]*)$", line):
            _check_command(shlex.split(found[1], comments=True))


def _check_command(words: list[str]) -> None:
    """Asserts that the command and its long options exist; what follows in a pipe is ignored."""
    command: Any = get_command(app)
    for word in itertools.takewhile(lambda word: word not in SHELL, words):
        if word in getattr(command, "commands", ()):
            command = command.commands[word]
        elif word.startswith("--"):
            names = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
            assert word.partition("=")[0] in {*names, "--help"}, words
    assert getattr(command, "invoke_without_command", True) or "--help" in words, words


def test_documented_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        text = (ROOT / page).read_text()
        lines = [*_lines_of_code(text), *re.findall(r"`([^`\n]+)`", text)]
        named = {found[1] for line in lines if (found := re.match(r"make ([a-z-]+)", line))}
        assert named <= targets, page


def _lines_of_code(text: str) -> list[str]:
    """Returns the lines of the code blocks in bash or in no language, without prompts."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [
        line for language, one in blocks if language in ("", "bash") for line in one.split("\n")
    ]
    return [line.removeprefix("$ ") for line in lines]


def test_reliability_page_names_existing_tests() -> None:
    lines = (DOCS / "reliability.md").read_text().splitlines()
    promises = [line for line in lines if line.startswith("| ") and line != "| promise | test |"]
    assert len(promises) > 20
    for promise in promises:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", promise)
        assert named, f"no test shows: {promise}"
        for file, test in named:
            assert f"def {test}(" in (ROOT / file).read_text(), (file, test)


@pytest.mark.parametrize("page", PAGES)
def test_documentation_links_resolve(page: str) -> None:
    for target, anchor in _links((ROOT / page).read_text()):
        file = (ROOT / page).parent / target if target else ROOT / page
        assert file.exists(), target
        if anchor:
            assert anchor in _anchors(file.read_text()), f"{target}#{anchor}"


def _links(text: str) -> list[tuple[str, str]]:
    """Returns the relative links outside of code, each as path and anchor."""
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)", prose)
    return [link for link in links if any(link)]


def _anchors(text: str) -> set[str]:
    """Returns the anchors that GitHub gives to the headings of a page."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def test_links_to_missing_files_and_anchors_are_found() -> None:
    text = "# A heading, here\n\n[a](b.md) [c](d.md#e) [f](#a-heading-here) `[no](code)`\n"
    assert _links(text) == [("b.md", ""), ("d.md", "e"), ("", "a-heading-here")]
    assert _anchors(text) == {"a-heading-here"}


@pytest.mark.parametrize("name", IMAGES)
def test_documentation_images_are_small(name: str) -> None:
    path = DOCS / "images" / name
    assert path.stat().st_size < MAX_IMAGE_BYTES
    assert Image.open(path).width == WIDTHS.get(name, 1280)


@pytest.mark.parametrize("name", IMAGES)
def test_documentation_shows_every_image(name: str) -> None:
    assert any(f"images/{name})" in (ROOT / page).read_text() for page in PAGES)
