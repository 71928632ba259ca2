"""The regular expressions of the code, how each is called, and texts made to slow them down."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parent.parent.parent
PACKAGES = (
    "domain",
    "runtime",
    "extraction",
    "stores",
    "pipelines",
    "actors",
    "serve_app",
    "configs",
)
METHODS = {"match", "fullmatch", "search", "sub", "subn", "split", "finditer", "findall"}
SCANNING = METHODS - {"match", "fullmatch"}  # these begin anew at every character

CATEGORIES = {
    op.CATEGORY_DIGIT: "1",
    op.CATEGORY_NOT_DIGIT: "a",
    op.CATEGORY_SPACE: " ",
    op.CATEGORY_NOT_SPACE: "a",
    op.CATEGORY_WORD: "a",
    op.CATEGORY_NOT_WORD: "-",
}
PROBES = "a1 -A.,;:_\n(\u00e9'/@"  # for negated sets: the first that the set takes


@dataclass(slots=True)
class Found:
    """A pattern, where it stands, and whether it is only ever held against the beginning."""

    pattern: re.Pattern[str]
    places: set[str] = field(default_factory=set)
    methods: set[str] = field(default_factory=set)

    @property
    def method(self) -> str:
        """The call that costs most of those in the code."""
        scans = not self.methods or self.methods & SCANNING
        return "search" if scans else "fullmatch" if self.methods == {"fullmatch"} else "match"


def all_patterns() -> list[Found]:
    """Every pattern of the packages: module globals, also inside containers, and literals of calls
    of `re`; with the methods by which the code calls it."""
    found: dict[tuple[str, int], Found] = {}
    modules = {path: _module(path) for path in _sources()}
    calls = _calls_of(modules)
    for path, module in modules.items():
        for name, value in vars(module).items():
            for pattern in _patterns_in(value):
                one = found.setdefault((pattern.pattern, pattern.flags), Found(pattern))
                one.places.add(f"{_name(path)}:{name}")
                one.methods |= calls.get(id(value), {"search"})
        for line, method, pattern in _inline(path, module):
            one = found.setdefault((pattern.pattern, pattern.flags), Found(pattern))
            one.places.add(f"{_name(path)}:{line}")
            one.methods.add(method)
    return [one for one in found.values() if isinstance(one.pattern.pattern, str)]


def attacks(pattern: re.Pattern[str]) -> Iterator[tuple[str, str, str]]:
    """(before, pumped, behind): texts of `before`, many of `pumped`, and `behind`.

    Pumped are the bodies of the pattern's unbounded repeats and its letters, single and in pairs.
    """
    tree = list(_parser.parse(pattern.pattern, pattern.flags))
    repeats = list(_repeats(tree, ""))
    letters = _letters(tree)
    pumps = dict.fromkeys(letters)
    pumps |= dict.fromkeys(a + b for a in letters[:5] for b in letters[:5] if a != b)
    seen = set[tuple[str, str]]()
    for before, bodies in [("", list(pumps)), *repeats]:
        for body in [*bodies, *letters[:4]]:
            if body and (before, body) not in seen:
                seen.add((before, body))
                yield from ((before, body, behind) for behind in ("", "\0", "zzzzz"))


def _sources() -> list[Path]:
    return [
        path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations" not in path.parts and path.name not in ("env.py", "__init__.py")
    ]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _module(path: Path) -> ModuleType:
    return importlib.import_module(_name(path).removesuffix(".py").replace("/", "."))


def _patterns_in(value: Any, depth: int = 3) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, dict):
        for one in [*value.keys(), *value.values()]:
            yield from _patterns_in(one, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _patterns_in(one, depth - 1)


def _calls_of(modules: dict[Path, ModuleType]) -> dict[int, set[str]]:
    """For the id of each global pattern the methods it is called by; `search` where the pattern
    itself is handed on."""
    found: dict[int, set[str]] = {}
    for path, module in modules.items():
        values = {name: value for name, value in vars(module).items() if any(_patterns_in(value))}
        tree = ast.parse(path.read_text())
        called = {id(name): method for method, name in _called_names(tree)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in values:
                methods = found.setdefault(id(values[node.id]), set())
                methods.add(called.get(id(node), "search"))
    return found


def _called_names(tree: ast.AST) -> Iterator[tuple[str, ast.Name]]:
    """The names in what a method of patterns is called on: NAME, NAME[key], A if b else C."""
    for node in ast.walk(tree):
        function = node.func if isinstance(node, ast.Call) else None
        if isinstance(function, ast.Attribute) and function.attr in METHODS:
            for name in ast.walk(function.value):
                if isinstance(name, ast.Name):
                    yield function.attr, name


def _inline(path: Path, module: ModuleType) -> Iterator[tuple[int, str, re.Pattern[str]]]:
    """Line, method and pattern of `re.METHOD(pattern, …)`; raises where it cannot be told."""
    for node in ast.walk(ast.parse(path.read_text())):
        function = node.func if isinstance(node, ast.Call) else None
        if not (isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name)):
            continue
        if function.value.id != "re" or function.attr not in METHODS:
            continue
        assert isinstance(node, ast.Call)
        yield node.lineno, function.attr, _evaluated(node, module)


def _evaluated(call: ast.Call, module: ModuleType) -> re.Pattern[str]:
    class Local(ast.NodeTransformer):
        """Local names of an f-string stand for a word."""

        def visit_Name(self, node: ast.Name) -> ast.AST:
            return node if hasattr(module, node.id) else ast.Constant("word")

    expression = ast.fix_missing_locations(ast.Expression(Local().visit(call.args[0])))
    text = eval(compile(expression, "pattern", "eval"), vars(module))
    flags = [one for one in call.args[1:] if ast.unparse(one).startswith("re.")]
    flags += [one.value for one in call.keywords if one.arg == "flags"]
    return re.compile(text, sum((eval(ast.unparse(one), vars(module)) for one in flags), 0))


def _repeats(items: Any, before: str) -> Iterator[tuple[str, list[str]]]:
    """For each unbounded repeat the shortest text that leads to it, and bodies of it."""
    for kind, value in items:
        for below in _below(kind, value):
            yield from _repeats(below, before)
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT) and value[1] > 50:
            yield before, [*_samples(value[2]), *_letters(value[2]), before]
        before += _sample([(kind, value)])


def _below(kind: Any, value: Any) -> list[Any]:
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        return [value[2]]
    if kind is op.SUBPATTERN:
        return [value[3]]
    if kind is op.ATOMIC_GROUP:
        return [value]
    if kind in (op.ASSERT, op.ASSERT_NOT):
        return [value[1]]
    return list(value[1]) if kind is op.BRANCH else []


def _sample(items: Any) -> str:
    """A short text that the items match, lookarounds left aside."""
    made = ""
    for kind, value in items:
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            made += _sample(value[2]) * max(1, value[0])
        elif kind in (op.SUBPATTERN, op.ATOMIC_GROUP):
            made += _sample(_below(kind, value)[0])
        elif kind is op.BRANCH:
            made += _sample(value[1][0])
        else:
            made += "".join(_characters(kind, value)[:1])
    return made


def _samples(items: Any) -> list[str]:
    """A short text for each of the branches that the items begin with."""
    kind, value = items[0]
    if kind is op.SUBPATTERN:
        return _samples(value[3]) if len(items) == 1 else [_sample(items)]
    if kind is op.BRANCH and len(items) == 1:
        return [_sample(branch) for branch in value[1]]
    return [_sample(items)]


def _letters(items: Any) -> list[str]:
    """A character for everything that the items match, each once."""
    found: dict[str, None] = {}
    for kind, value in items:
        found |= dict.fromkeys(_characters(kind, value))
        for below in _below(kind, value):
            found |= dict.fromkeys(_letters(below))
    return list(found)


def _characters(kind: Any, value: Any) -> list[str]:
    if kind is op.LITERAL:
        return [chr(value)]
    if kind is op.NOT_LITERAL:
        return [next(one for one in PROBES if ord(one) != value)]
    if kind is op.ANY:
        return ["a"]
    if kind is not op.IN:
        return []
    if value[0][0] is op.NEGATE:
        taken = re.compile(_class_of(value))
        return [one for one in PROBES if taken.match(one)][:3]
    return [_of_set(member, inner) for member, inner in value][:8]


def _of_set(kind: Any, value: Any) -> str:
    if kind is op.RANGE:
        return chr(value[0])
    return chr(value) if kind is op.LITERAL else CATEGORIES[value]


NAMES_OF = {
    op.CATEGORY_DIGIT: r"\d",
    op.CATEGORY_NOT_DIGIT: r"\D",
    op.CATEGORY_SPACE: r"\s",
    op.CATEGORY_NOT_SPACE: r"\S",
    op.CATEGORY_WORD: r"\w",
    op.CATEGORY_NOT_WORD: r"\W",
}


def _class_of(members: Any) -> str:
    """The source of a negated set."""
    parts = []
    for kind, value in members[1:]:
        if kind is op.RANGE:
            parts.append(f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}")
        else:
            parts.append(NAMES_OF[value] if kind is op.CATEGORY else re.escape(chr(value)))
    return f"[^{''.join(parts)}]"
