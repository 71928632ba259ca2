"""Tables and figures of generated papers, drawn with the rules of different publishers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from domain.papers import Cell
from extraction.text.mupdf import pymupdf
from tests.quality.style import plain
from tests.quality.truth import Rows, TrueTable
from tests.quality.typeset import Typesetter

PAD = 5.0


@dataclass(frozen=True, slots=True)
class TableForm:
    """`rules`: "booktabs", "grid", "rows", "shaded" or "none"; `at`: where the caption stands."""

    rules: str = "booktabs"
    at: str = "above"
    size: float = 8
    centred: bool = True
    label_face: str = "bold"
    caption_align: str = "left"
    header_rows: int = 1


@dataclass(frozen=True, slots=True)
class _Placed:
    cell: Cell
    row: int
    column: int


def cells(rows: Sequence[Sequence[str | Cell]], header_rows: int = 1) -> Rows:
    """Rows of cells; a text stands for a cell without spans."""
    return tuple(
        tuple(
            cell if isinstance(cell, Cell) else Cell(cell, header=number < header_rows)
            for cell in row
        )
        for number, row in enumerate(rows)
    )


def table(
    setter: Typesetter,
    label: str,
    caption: str,
    rows: Sequence[Sequence[str | Cell]],
    form: TableForm | None = None,
    *,
    notes: str = "",
    across: bool = False,
) -> None:
    """Sets a table in the current column, or across the top of the next page, and records it."""
    form = form or TableForm()
    made = cells(rows, form.header_rows)
    setter.tables.append(TrueTable(label.rstrip(".:"), plain(caption), made))
    if across:
        setter.pending.append(partial(_set_table, setter, label, caption, made, form, notes))
    else:
        _set_table(setter, label, caption, made, form, notes)


def table_over_pages(
    setter: Typesetter,
    label: str,
    caption: str,
    header: Sequence[str],
    parts: Sequence[Sequence[Sequence[str]]],
    form: TableForm | None = None,
) -> None:
    """Sets a table whose parts stand on pages of their own, each below the repeated header."""
    form = form or TableForm()
    whole = cells([header, *(row for part in parts for row in part)])
    setter.tables.append(TrueTable(label.rstrip(".:"), plain(caption), whole))
    for number, part in enumerate(parts):
        if number:
            setter.new_page()
        shown = caption if number == 0 else "(continued)"
        _set_table(setter, label, shown, cells([header, *part]), form, "")


def _set_table(
    setter: Typesetter, label: str, caption: str, rows: Rows, form: TableForm, notes: str
) -> None:
    step = 1.45 * form.size
    setter.gap(8)
    setter.need(step * (len(rows) + 1) + 3 * setter.style.caption_size + 30)
    if form.at == "above":
        _set_caption(setter, label, caption, form.label_face, form.caption_align)
        setter.gap(4)
    _draw(setter, rows, form, step)
    if notes:
        setter.gap(2)
        setter.block(notes, form.size - 0.5, align="left")
    if form.at == "below":
        setter.gap(5)
        _set_caption(setter, label, caption, form.label_face, form.caption_align)
    setter.gap(12)


def _set_caption(setter: Typesetter, label: str, text: str, face: str, align: str) -> None:
    setter.block(text, setter.style.caption_size, align=align, lead=label, lead_face=face)


def _draw(setter: Typesetter, rows: Rows, form: TableForm, step: float) -> None:
    placed = _places(rows)
    edges = _edges(setter, placed, form)
    top = setter.y + 2
    for item in placed:
        x0, x1 = edges[item.column], edges[item.column + item.cell.colspan]
        middle_row = item.row + (item.cell.rowspan - 1) / 2
        y = top + step * middle_row + 0.72 * step
        face = "bold" if item.cell.header and form.rules != "none" else "roman"
        if form.centred and (item.column or item.cell.colspan > 1):
            setter.centred((x0 + x1) / 2, y, item.cell.text, form.size, face)
        else:
            setter.put(x0 + PAD, y, item.cell.text, form.size, face)
    _rules(setter, placed, edges, form, top, step)
    setter.y = top + step * len(rows) + 3


def _places(rows: Rows) -> list[_Placed]:
    covered = set[tuple[int, int]]()
    placed: list[_Placed] = []
    for number, row in enumerate(rows):
        column = 0
        for cell in row:
            while (number, column) in covered:
                column += 1
            placed.append(_Placed(cell, number, column))
            covered |= {
                (number + down, column + right)
                for down in range(cell.rowspan)
                for right in range(cell.colspan)
            }
            column += cell.colspan
    return placed


def _edges(setter: Typesetter, placed: Sequence[_Placed], form: TableForm) -> list[float]:
    """The left edge of each column and the right edge of the last; the table fills the measure."""
    columns = max(item.column + item.cell.colspan for item in placed)
    widths = [0.0] * columns
    for item in placed:
        if item.cell.colspan == 1:
            wide = setter.length(item.cell.text, form.size, "bold") + 2 * PAD
            widths[item.column] = max(widths[item.column], wide)
    more = (setter.measure - sum(widths)) / columns
    assert more >= 0, f"the table is wider than its column by {-more * columns:.0f} points"
    edges = [setter.x]
    for width in widths:
        edges.append(edges[-1] + width + more)
    return edges


def _rules(
    setter: Typesetter,
    placed: Sequence[_Placed],
    edges: Sequence[float],
    form: TableForm,
    top: float,
    step: float,
) -> None:
    left, right = edges[0], edges[-1]
    rows = max(item.row + item.cell.rowspan for item in placed)
    below_header, bottom = top + step * form.header_rows, top + step * rows
    if form.rules == "booktabs":
        for y, width in ((top, 1.0), (below_header, 0.5), (bottom, 1.0)):
            setter.rule(left, right, y, width)
        for item in placed:
            if item.cell.header and item.cell.colspan > 1:
                y = top + step * (item.row + 1)
                end = edges[item.column + item.cell.colspan]
                setter.rule(edges[item.column] + 3, end - 3, y, 0.4)
    elif form.rules == "rows":
        for row in range(rows + 1):
            setter.rule(left, right, top + step * row, 0.4)
    elif form.rules == "shaded":
        box = pymupdf.Rect(left, top, right, below_header)
        setter.canvas.draw_rect(box, color=None, fill=(0.85, 0.88, 0.94))
    elif form.rules == "grid":
        for item in placed:
            x0, x1 = edges[item.column], edges[item.column + item.cell.colspan]
            y0 = top + step * item.row
            box = pymupdf.Rect(x0, y0, x1, y0 + step * item.cell.rowspan)
            setter.canvas.draw_rect(box, width=0.5)


@dataclass(frozen=True, slots=True)
class FigureForm:
    """`kind`: "image", "chart" or "diagram"; `at`: where the caption stands."""

    kind: str = "image"
    at: str = "below"
    height: float = 110
    label_face: str = "bold"
    caption_align: str = "left"


def figure(
    setter: Typesetter,
    label: str,
    caption: str,
    form: FigureForm | None = None,
    *,
    across: bool = False,
) -> None:
    """Sets a figure in the current column, or across the top of the next page, and records it."""
    form = form or FigureForm()
    setter.figures.append(plain(caption))
    if across:
        setter.pending.append(partial(_set_figure, setter, label, caption, form))
    else:
        _set_figure(setter, label, caption, form)


def _set_figure(setter: Typesetter, label: str, caption: str, form: FigureForm) -> None:
    setter.gap(10)
    setter.need(form.height + 5 * setter.style.caption_size)
    if form.at == "above":
        _set_caption(setter, label, caption, form.label_face, form.caption_align)
        setter.gap(6)
    draw_picture(setter, form.kind, setter.x, setter.x + setter.measure, form.height)
    setter.gap(form.height + 6)
    if form.at == "below":
        _set_caption(setter, label, caption, form.label_face, form.caption_align)
    setter.gap(12)


def draw_picture(setter: Typesetter, kind: str, x0: float, x1: float, height: float) -> None:
    """Draws an image, a chart or a diagram below the current line; the line stays current."""
    box = pymupdf.Rect(x0 + 10, setter.y, x1 - 10, setter.y + height)
    if kind == "image":
        _image(setter, box)
    elif kind == "chart":
        _chart(setter, box)
    else:
        _diagram(setter, box)


def _image(setter: Typesetter, box: pymupdf.Rect) -> None:
    picture = pymupdf.Pixmap(pymupdf.csGRAY, pymupdf.IRect(0, 0, 60, 30), False)
    for x in range(60):
        for y in range(30):
            picture.set_pixel(x, y, (60 + (7 * x + 11 * y) % 160,))
    setter.canvas.insert_image(box, pixmap=picture, keep_proportion=False)


def _chart(setter: Typesetter, box: pymupdf.Rect) -> None:
    """Axes, ticks with numbers, names of the axes and two lines."""
    left, bottom = box.x0 + 24, box.y1 - 20
    setter.canvas.draw_line((left, box.y0), (left, bottom), width=0.6)
    setter.canvas.draw_line((left, bottom), (box.x1, bottom), width=0.6)
    step = (box.x1 - left) / 6
    for place in range(6):
        setter.put(left + step * place - 3, bottom + 9, str(10 * place), 6.5)
        setter.put(box.x0 + 8, bottom - (bottom - box.y0) * place / 6, f"0.{place}", 6.5)
    setter.centred((left + box.x1) / 2, bottom + 18, "Time (h)", 7)
    for shift, colour in ((0.0, (0.8, 0.1, 0.1)), (14.0, (0.1, 0.2, 0.7))):
        points = [
            (left + step * place, bottom - shift - (bottom - box.y0 - 20) * (place * place) / 36)
            for place in range(6)
        ]
        setter.canvas.draw_polyline(points, color=colour, width=1)


def _diagram(setter: Typesetter, box: pymupdf.Rect) -> None:
    """Three named boxes with arrows between them."""
    wide = box.width / 4
    middle = (box.y0 + box.y1) / 2
    for place, name in enumerate(("Sampling", "Model", "Output")):
        x = box.x0 + place * 1.5 * wide
        setter.canvas.draw_rect(pymupdf.Rect(x, middle - 18, x + wide, middle + 18), width=0.8)
        setter.centred(x + wide / 2, middle + 3, name, 7.5)
        if place < 2:
            setter.canvas.draw_line((x + wide, middle), (x + 1.5 * wide, middle), width=0.8)
