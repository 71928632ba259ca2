"""The strips of each element: lines of text, headings, equations, tables, figures, captions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from samples.figures import FIGURES, SHADE
from samples.manuscript import Element, Kind
from samples.pages import COLUMN, FULL, Canvas, Strip
from samples.setting import Line, break_lines, pieces_of, runs_of, text_width

BODY, LEADING = 9.7, 11.9
SMALL, SMALL_LEADING = 8.4, 10.1
ASCENT = 0.76  # of the type size: from the top of a strip to its base line
INDENT = 11.0
CELL_PAD = 3.2


def strips_of(element: Element, before: Element | None) -> Iterator[Strip]:
    """The strips of an element; `before` is the one it follows."""
    match element.kind:
        case Kind.HEADING:
            yield from _heading(element, before)
        case Kind.PARAGRAPH:
            opens = before is None or before.kind is not Kind.PARAGRAPH
            yield from _paragraph(element, 0.0 if opens else INDENT, before)
        case Kind.ITEM:
            yield from _hanging(
                element, 13.0, BODY, LEADING, 0.0 if _is(before, Kind.ITEM) else 3.0
            )
        case Kind.REFERENCE:
            yield from _hanging(element, 18.0, SMALL, SMALL_LEADING, 1.6)
        case Kind.EQUATION:
            yield _equation(element)
        case Kind.TABLE:
            yield _table(element)
        case Kind.FIGURE:
            yield _figure(element)
        case Kind.ABSTRACT:
            raise ValueError("the abstract is set with the title")


def text_strips(
    lines: list[Line],
    x: float,
    size: float,
    leading: float,
    indent: float = 0.0,
    space: float = 0.0,
) -> list[Strip]:
    """Strips of a paragraph's lines; no first or last line is left alone in a column."""
    last = len(lines) - 1
    return [
        Strip(
            leading,
            partial(_draw_line, line=line, dx=x + (0.0 if n else indent), size=size),
            space=0.0 if n else space,
            keep=n < last and (n == 0 or n == last - 1),
        )
        for n, line in enumerate(lines)
    ]


def _draw_line(canvas: Canvas, x: float, y: float, line: Line, dx: float, size: float) -> None:
    canvas.line(x + dx, y + ASCENT * size + 1.6, line, size)


def _is(element: Element | None, kind: Kind) -> bool:
    return element is not None and element.kind is kind


def _heading(element: Element, before: Element | None) -> Iterator[Strip]:
    size, style = (11.2, "b") if element.level == 1 else (9.9, "z")
    follows = before is not None and before.kind is Kind.HEADING
    space = 2.0 if follows else 11.0 if element.level == 1 else 7.0
    text = f"{element.label} {element.text}" if element.label else element.text
    lines = break_lines(pieces_of(text, style, hyphenate=False), size, COLUMN, justify=False)
    for n, line in enumerate(lines):
        height = size + 3.0 + (2.2 if n == len(lines) - 1 else 0.0)
        draw = partial(_draw_line, line=line, dx=0.0, size=size)
        yield Strip(height, draw, space=0.0 if n else space, keep=True)


def _paragraph(element: Element, indent: float, before: Element | None) -> Iterator[Strip]:
    lines = break_lines(pieces_of(element.text), BODY, COLUMN, indent)
    space = 3.0 if _is(before, Kind.ITEM) else 0.0
    yield from text_strips(lines, 0.0, BODY, LEADING, indent, space)


def _hanging(
    element: Element, indent: float, size: float, leading: float, space: float
) -> Iterator[Strip]:
    """A list entry: its label at the left, its text indented."""
    lines = break_lines(pieces_of(element.text), size, COLUMN - indent)
    first, *others = text_strips(lines, indent, size, leading, space=space)

    def draw(canvas: Canvas, x: float, y: float) -> None:
        canvas.text(
            x + (2.0 if size == BODY else 0.0), y + ASCENT * size + 1.6, element.label + " ", size
        )
        first.draw(canvas, x, y)

    yield Strip(first.height, draw, space=first.space, keep=first.keep)
    yield from others


def _equation(element: Element) -> Strip:
    """A formula in the middle of the column, its number at the right."""
    line = break_lines(pieces_of(element.text, hyphenate=False), BODY, COLUMN, justify=False)[0]

    def draw(canvas: Canvas, x: float, y: float) -> None:
        base = y + 6.0 + ASCENT * BODY
        canvas.line(x + (COLUMN - line.width) / 2, base, line, BODY)
        right = x + COLUMN - text_width(element.label, BODY)
        canvas.text(right, base, element.label, BODY)

    return Strip(LEADING + 10.0, draw)


def _caption(element: Element, width: float) -> list[Line]:
    return break_lines(pieces_of(f"**{element.label}.** {element.text}"), SMALL, width)


def _figure(element: Element) -> Strip:
    """A drawing above its caption."""
    width = FULL if "span" in element.options else COLUMN
    height, draw_figure = FIGURES[element.options["name"]]
    lines = _caption(element, width)

    def draw(canvas: Canvas, x: float, y: float) -> None:
        draw_figure(canvas, x, y, width)
        for n, line in enumerate(lines):
            _draw_line(canvas, x, y + height + 5.0 + n * SMALL_LEADING, line, 0.0, SMALL)

    total = height + 5.0 + len(lines) * SMALL_LEADING
    return Strip(total, draw, floating=True, spans="span" in element.options)


def _table(element: Element) -> Strip:
    """A caption above ruled rows; with the option `grid`, lines between all cells."""
    width = FULL if "span" in element.options else COLUMN
    caption = _caption(element, width)
    shares = [float(share) for share in element.options["widths"].split(",")]
    columns = [width * share / sum(shares) for share in shares]
    rows = [_cells(row, columns, is_head=n == 0) for n, row in enumerate(element.rows)]
    heights = [max(map(len, row)) * SMALL_LEADING + 3.4 for row in rows]

    def draw(canvas: Canvas, x: float, y: float) -> None:
        for n, line in enumerate(caption):
            _draw_line(canvas, x, y + n * SMALL_LEADING, line, 0.0, SMALL)
        y += len(caption) * SMALL_LEADING + 4.0
        _rules(canvas, x, y, columns, heights, "grid" in element.options)
        for row, height in zip(rows, heights, strict=True):
            _draw_row(canvas, x, y, row, columns, element.options["align"])
            y += height

    total = len(caption) * SMALL_LEADING + 4.0 + sum(heights)
    return Strip(total, draw, floating=True, spans="span" in element.options)


def _cells(row: tuple[str, ...], columns: list[float], is_head: bool) -> list[list[Line]]:
    style = "b" if is_head else "r"
    return [
        break_lines(
            pieces_of(text, style, hyphenate=False), SMALL, width - 2 * CELL_PAD, justify=False
        )
        if runs_of(text)
        else []
        for text, width in zip(row, columns, strict=True)
    ]


def _draw_row(
    canvas: Canvas, x: float, y: float, row: list[list[Line]], columns: list[float], align: str
) -> None:
    for lines, width, side in zip(row, columns, align, strict=True):
        for n, line in enumerate(lines):
            room = width - 2 * CELL_PAD - line.width
            shift = {"l": 0.0, "c": room / 2, "r": room}[side]
            base = y + 1.7 + n * SMALL_LEADING
            _draw_line(canvas, x + CELL_PAD, base - 1.0, line, shift, SMALL)
        x += width


def _rules(
    canvas: Canvas, x: float, y: float, columns: list[float], heights: list[float], grid: bool
) -> None:
    width = sum(columns)
    canvas.shape.draw_rect((x, y, x + width, y + heights[0]))
    canvas.shape.finish(width=0, color=None, fill=SHADE)
    ys = [y + sum(heights[:n]) for n in range(len(heights) + 1)]
    for n, level in enumerate(ys):
        is_outer = n in (0, len(heights))
        canvas.rule(x, level, x + width, level, 0.9 if is_outer else 0.6 if n == 1 else 0.25)
    if grid:
        xs = [x + sum(columns[:n]) for n in range(len(columns) + 1)]
        for edge in xs:
            canvas.rule(edge, ys[0], edge, ys[-1], 0.25)
