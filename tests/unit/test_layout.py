"""Structure of the code: packages, sizes and names."""

from __future__ import annotations

import ast
import importlib
import warnings
from collections import Counter
from pathlib import Path

import pytest

from tests.paths import ROOT

PACKAGES = (
    "domain",
    "runtime",
    "extraction",
    "stores",
    "embedding",
    "pipelines",
    "actors",
    "serve_app",
    "configs",
    "integrations",
)
MODULE_LINES, FUNCTION_LINES = 400, 60
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
WITH_TESTS = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py"))]
EXPORTING = {"serve_app/client/__init__.py"}  # `from serve_app.client import Client`


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_are_imported_from_this_checkout(package: str) -> None:
    imported = importlib.import_module(package).__file__
    assert imported is not None
    assert Path(imported).resolve() == (ROOT / package / "__init__.py").resolve()


def test_functions_respect_line_limit() -> None:
    long = [
        f"{name_of(path)}:{function.lineno} {function.name}"
        for path in WITH_TESTS
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and (function.end_lineno or 0) - function.lineno + 1 > FUNCTION_LINES
    ]
    assert long == []


@pytest.mark.filterwarnings("default")
def test_modules_above_line_limit_are_reported() -> None:
    """The limit is a guideline: a longer module only causes a warning."""
    sizes = {name_of(path): path.read_text().count("\n") for path in WITH_TESTS}
    long = {name: lines for name, lines in sizes.items() if lines > MODULE_LINES}
    if long:
        warnings.warn(f"Modules above {MODULE_LINES} lines: {long}", stacklevel=1)
    assert max(sizes.values()) <= 2 * MODULE_LINES


def test_init_files_contain_only_a_docstring() -> None:
    for path in SOURCES:
        if path.name == "__init__.py" and name_of(path) not in EXPORTING:
            tree = ast.parse(path.read_text())
            assert ast.get_docstring(tree), path
            assert len(tree.body) == 1, path


def test_test_module_names_are_unique() -> None:
    """pytest imports test modules by their base names and rejects duplicates."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []


def test_packages_hold_at_most_forty_percent_of_the_code() -> None:
    lines = Counter[str]()
    for path in SOURCES:
        lines[name_of(path).split("/")[0]] += path.read_text().count("\n")
    shares = {package: count / lines.total() for package, count in lines.items()}
    assert max(shares.values()) <= 0.40, shares
