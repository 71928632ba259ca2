"""A paper's source text as a list of elements; sections, citations and captions get their numbers.

The source is a small markdown: `key: value` lines, a blank line, then elements set apart by blank
lines. `> ` opens the abstract; `## Title` and `### Title` are sections, `- ` and `1. ` lists,
`$$ … $$` a numbered equation, `@key: …` an entry of the bibliography and `[@key]` its citation,
`::: table …` and `::: figure …` floats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    ABSTRACT = "abstract"
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    EQUATION = "equation"
    TABLE = "table"
    FIGURE = "figure"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Element:
    """One element; `label` is its printed number ("2.1", "Table 1"), `level` a heading's depth."""

    kind: Kind
    text: str = ""
    label: str = ""
    level: int = 0
    rows: tuple[tuple[str, ...], ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manuscript:
    """A parsed source: `meta` holds title, short, authors, date, subject and keywords."""

    meta: Mapping[str, str]
    elements: tuple[Element, ...]


def parse(source: str, values: Mapping[str, str]) -> Manuscript:
    """The manuscript of a source file; `{{name}}` is replaced by `values[name]` first.

    Raises KeyError for a value or a citation that does not exist.
    """
    filled = re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], source)
    head, _, body = filled.partition("\n\n")
    meta = dict(line.split(": ", 1) for line in head.splitlines())
    paragraphs = [part.strip("\n") for part in re.split(r"\n{2,}", body) if part.strip()]
    keys = [match[1] for part in paragraphs if (match := re.match(r"@(\w+): ", part))]
    cited = [_cite(part, {key: str(n) for n, key in enumerate(keys, 1)}) for part in paragraphs]
    return Manuscript(meta, tuple(_number(cited)))


def _cite(text: str, numbers: Mapping[str, str]) -> str:
    """`[@a; @b]` as `[1, 4]`."""

    def printed(match: re.Match[str]) -> str:
        keys = re.findall(r"@(\w+)", match[1])
        return "[" + ",~".join(sorted((numbers[key] for key in keys), key=int)) + "]"

    return re.sub(r"\[(@\w+(?:; @\w+)*)\]", printed, text)


def _number(parts: list[str]) -> list[Element]:
    counters: dict[str, int] = {}
    return [element for part in parts for element in _elements(part, counters)]


def _next(counters: dict[str, int], name: str) -> int:
    counters[name] = counters.get(name, 0) + 1
    return counters[name]


def _elements(part: str, counters: dict[str, int]) -> list[Element]:
    if part.startswith("#"):
        return [_heading(part, counters)]
    if part.startswith(":::"):
        return [_float(part, counters)]
    if part.startswith("$$"):
        return [Element(Kind.EQUATION, part.strip("$ "), f"({_next(counters, 'equation')})")]
    if part.startswith("@"):
        text = part.split(": ", 1)[1]
        return [Element(Kind.REFERENCE, _unwrap(text), f"[{_next(counters, 'reference')}]")]
    if re.match(r"(-|\d+\.) ", part):
        items = re.split(r"\n(?=(?:-|\d+\.) )", part)
        return [_item(item) for item in items]
    if part.startswith("> "):
        return [Element(Kind.ABSTRACT, _unwrap(part.removeprefix("> ")))]
    return [Element(Kind.PARAGRAPH, _unwrap(part))]


def _heading(part: str, counters: dict[str, int]) -> Element:
    marks, title = part.split(" ", 1)
    if title == "References":
        return Element(Kind.HEADING, title, level=1)
    if marks == "##":
        counters["subsection"] = 0
        return Element(Kind.HEADING, title, f"{_next(counters, 'section')}", level=1)
    number = f"{counters['section']}.{_next(counters, 'subsection')}"
    return Element(Kind.HEADING, title, number, level=2)


def _item(part: str) -> Element:
    mark, text = part.split(" ", 1)
    return Element(Kind.ITEM, _unwrap(text), "•" if mark == "-" else mark)


def _float(part: str, counters: dict[str, int]) -> Element:
    """`::: table align=lrr widths=2,1,1`, then the caption, then rows of `| a | b |`."""
    first, *lines = part.splitlines()
    _, name, *pairs = first.split()
    rows = [line for line in lines if line.startswith("|")]
    caption = " ".join(line for line in lines if not line.startswith("|"))
    cells = tuple(tuple(cell.strip() for cell in row.strip("|").split("|")) for row in rows)
    options = dict(pair.split("=", 1) for pair in pairs)
    label = f"{name.capitalize()} {_next(counters, name)}"
    return Element(Kind(name), caption, label, rows=cells, options=options)


def _unwrap(text: str) -> str:
    return " ".join(text.split())
