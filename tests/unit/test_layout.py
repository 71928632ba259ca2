"""The shape of the code: rooms, sizes, and who may import Ray."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("domain", "stores", "pipelines", "actors", "serve_app", "configs")
MODULE_LINES, FUNCTION_LINES = 400, 60
MAY_IMPORT_RAY = {
    "pipelines/dataset.py",
    "pipelines/lean.py",
    "pipelines/bulk.py",
    "actors/cluster.py",
    "actors/store_tasks.py",
    "actors/launch.py",
    "actors/lean_node.py",
    "actors/runner.py",
    "serve_app/on_ray.py",
    "serve_app/deployment.py",
    "serve_app/listening.py",
}
MAY_IMPORT_SERVE = {"serve_app/deployment.py", "serve_app/listening.py"}
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
WITH_TESTS = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *(ROOT / "samples").glob("*.py")]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_the_folder_that_python_imports(room: str) -> None:
    imported = importlib.import_module(room).__file__
    assert imported is not None
    assert Path(imported).resolve() == (ROOT / room / "__init__.py").resolve()


@pytest.mark.parametrize("path", WITH_TESTS, ids=name_of)
def test_modules_and_functions_are_of_a_size_to_be_read(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MODULE_LINES
    long = [
        function.name
        for function in ast.walk(ast.parse(text))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and (function.end_lineno or 0) - function.lineno + 1 > FUNCTION_LINES
    ]
    assert not long


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_ray_is_imported_only_where_it_is_composed(path: Path) -> None:
    imported = imports_of(path)
    if name_of(path) not in MAY_IMPORT_RAY:
        assert not {name for name in imported if name.split(".")[0] == "ray"}
    if name_of(path) not in MAY_IMPORT_SERVE:
        assert not {name for name in imported if name.startswith("ray.serve")}


def imports_of(path: Path) -> set[str]:
    """Dotted names of all imports, in functions too; `from ray import serve` is `ray.serve`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.name == "__init__.py"], ids=name_of
)
def test_init_files_hold_a_docstring_and_nothing_else(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1


def test_no_two_test_modules_share_a_name() -> None:
    """pytest imports them by their bare names, and refuses the second one."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert {name for name in names if names.count(name) > 1} == set()
