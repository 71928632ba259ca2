"""Collects the regular expressions of the code, and generates worst-case inputs for them."""

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

from tests.paths import ROOT

SINGLE_CHARACTER = (op.IN, op.LITERAL, op.NOT_LITERAL, op.ANY, op.CATEGORY)

PACKAGES = (
    "domain",
    "runtime",
    "extraction",
    "stores",
    "pipelines",
    "actors",
    "serve_app",
    "integrations",
    "configs",
)
METHODS = {"match", "fullmatch", "search", "sub", "subn", "split", "finditer", "findall"}
SCANNING = METHODS - {"match", "fullmatch"}  # these start a match attempt at every character

CATEGORIES = {
    op.CATEGORY_DIGIT: "1",
    op.CATEGORY_NOT_DIGIT: "a",
    op.CATEGORY_SPACE: " ",
    op.CATEGORY_NOT_SPACE: "a",
    op.CATEGORY_WORD: "a",
    op.CATEGORY_NOT_WORD: "-",
}
PROBES = "a1 -A.,;:_\n(\u00e9'/@"  # for negated sets: the first character that the set matches


@dataclass(slots=True)
class Found:
    """A pattern, where it is defined, and the methods that the code calls on it."""

    pattern: re.Pattern[str]
    places: set[str] = field(default_factory=set)
    methods: set[str] = field(default_factory=set)

    @property
    def method(self) -> str:
        """Returns the most expensive of the called methods."""
        scans = not self.methods or self.methods & SCANNING
        return "search" if scans else "fullmatch" if self.methods == {"fullmatch"} else "match"


def all_patterns() -> list[Found]:
    """Returns all patterns of the packages, with the methods that the code calls on them.

    Patterns are module globals, also inside containers, and literals in calls of `re` functions.
    """
    found: dict[tuple[str, int], Found] = {}
    modules = {path: _module(path) for path in _sources()}
    calls = _calls_of(modules)
    for path, module in modules.items():
        for name, value in vars(module).items():
            for pattern in _patterns_in(value):
                entry = found.setdefault((pattern.pattern, pattern.flags), Found(pattern))
                entry.places.add(f"{_name(path)}:{name}")
                entry.methods |= calls.get(id(value), {"search"})
        for line, method, pattern in _inline(path, module):
            entry = found.setdefault((pattern.pattern, pattern.flags), Found(pattern))
            entry.places.add(f"{_name(path)}:{line}")
            entry.methods.add(method)
    return [entry for entry in found.values() if isinstance(entry.pattern.pattern, str)]


def attacks(pattern: re.Pattern[str]) -> Iterator[tuple[str, str, str]]:
    """Yields attack strings as (before, pumped, behind); `pumped` is to be repeated many times.

    Pumped are the bodies of the unbounded repeats of the pattern, and its characters, single and in
    pairs.
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


def has_possessive_group(pattern: re.Pattern[str]) -> bool:
    """True if a possessive repeat or an atomic group contains more than one set of characters.

    Python 3.11.0 to 3.11.4 match them wrongly if what they contain backtracks
    (python/cpython#106052).
    """
    return any(map(_is_possessive_group, _nodes(_parser.parse(pattern.pattern, pattern.flags))))


def _nodes(items: Any) -> Iterator[tuple[Any, Any]]:
    for kind, value in items:
        yield kind, value
        for below in _below(kind, value):
            yield from _nodes(below)


def _is_possessive_group(node: tuple[Any, Any]) -> bool:
    kind, value = node
    if kind is op.POSSESSIVE_REPEAT:
        [*contents] = value[2]
        return len(contents) > 1 or contents[0][0] not in SINGLE_CHARACTER
    return kind is op.ATOMIC_GROUP


def _sources() -> list[Path]:
    return [
        path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations" not in path.parts
        and path.name not in ("env.py", "__init__.py")
        and not _is_slow_and_without_patterns(path.read_text())
    ]


def _is_slow_and_without_patterns(source: str) -> bool:
    """True for modules that import torch or the like, which takes ten seconds, but not `re`."""
    slow = r"^(?:from|import) (?:nncf|openvino|sentence_transformers|torch)\b"
    return bool(re.search(slow, source, re.M)) and not re.search(r"^import re$", source, re.M)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _module(path: Path) -> ModuleType:
    return importlib.import_module(_name(path).removesuffix(".py").replace("/", "."))


def _patterns_in(value: Any, depth: int = 3) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, dict):
        for item in [*value.keys(), *value.values()]:
            yield from _patterns_in(item, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _patterns_in(item, depth - 1)


def _calls_of(modules: dict[Path, ModuleType]) -> dict[int, set[str]]:
    """Maps the id of each global pattern to its called methods; `search` if the pattern is passed
    on as a value."""
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
    """Yields the names in the object of a pattern method call: NAME, NAME[key], A if b else C."""
    for node in ast.walk(tree):
        function = node.func if isinstance(node, ast.Call) else None
        if isinstance(function, ast.Attribute) and function.attr in METHODS:
            for name in ast.walk(function.value):
                if isinstance(name, ast.Name):
                    yield function.attr, name


def _inline(path: Path, module: ModuleType) -> Iterator[tuple[int, str, re.Pattern[str]]]:
    """Yields line, method and pattern of each `re.METHOD(pattern, …)` call.

    Raises if the pattern cannot be evaluated.
    """
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
        """Replaces local names in f-strings by a word."""

        def visit_Name(self, node: ast.Name) -> ast.AST:
            return node if hasattr(module, node.id) else ast.Constant("word")

    expression = ast.fix_missing_locations(ast.Expression(Local().visit(call.args[0])))
    text = eval(compile(expression, "pattern", "eval"), vars(module))
    flags = [argument for argument in call.args[1:] if ast.unparse(argument).startswith("re.")]
    flags += [keyword.value for keyword in call.keywords if keyword.arg == "flags"]
    return re.compile(text, sum((eval(ast.unparse(flag), vars(module)) for flag in flags), 0))


def _repeats(items: Any, before: str) -> Iterator[tuple[str, list[str]]]:
    """Yields, for each unbounded repeat, a short prefix that reaches it, and sample bodies."""
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
    """Returns a short text that the items match, ignoring lookarounds."""
    sample = ""
    for kind, value in items:
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            sample += _sample(value[2]) * max(1, value[0])
        elif kind in (op.SUBPATTERN, op.ATOMIC_GROUP):
            sample += _sample(_below(kind, value)[0])
        elif kind is op.BRANCH:
            sample += _sample(value[1][0])
        else:
            sample += "".join(_characters(kind, value)[:1])
    return sample


def _samples(items: Any) -> list[str]:
    """Returns a short text for each alternative at the beginning of the items."""
    kind, value = items[0]
    if kind is op.SUBPATTERN:
        return _samples(value[3]) if len(items) == 1 else [_sample(items)]
    if kind is op.BRANCH and len(items) == 1:
        return [_sample(branch) for branch in value[1]]
    return [_sample(items)]


def _letters(items: Any) -> list[str]:
    """Returns distinct characters: a sample of each character class in the items."""
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
        return [next(probe for probe in PROBES if ord(probe) != value)]
    if kind is op.ANY:
        return ["a"]
    if kind is not op.IN:
        return []
    if value[0][0] is op.NEGATE:
        matcher = re.compile(_class_of(value))
        return [probe for probe in PROBES if matcher.match(probe)][:3]
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
    """Returns the source text of a negated set."""
    parts = []
    for kind, value in members[1:]:
        if kind is op.RANGE:
            parts.append(f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}")
        else:
            parts.append(NAMES_OF[value] if kind is op.CATEGORY else re.escape(chr(value)))
    return f"[^{''.join(parts)}]"
