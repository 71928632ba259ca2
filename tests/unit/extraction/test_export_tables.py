"""Export of tables as CSV, HTML and Markdown: spans, headers, and no active content."""

from __future__ import annotations

import csv
import io

import pytest

from domain.papers import Box, Cell, Table, TableSource
from extraction.export.table_formats import grid, to_csv, to_html, to_markdown

HEAD = (Cell("Plant", header=True), Cell("Height", header=True))
BODY = ((Cell("Oak"), Cell("−12.5")), (Cell("Fir"), Cell("3,400")))


def table(*rows: tuple[Cell, ...], caption: str | None = None, notes: str | None = None) -> Table:
    box = Box(1, 0, 0, 100, 100)
    label = "Table 1." if caption else None
    return Table(1, label, caption, (box,), rows, TableSource.RULED, notes)


SPANNED = table(
    (Cell("Site", rowspan=2, header=True), Cell("Count", colspan=2, header=True)),
    (Cell("2001", header=True), Cell("2002", header=True)),
    (Cell("North", rowspan=2), Cell("1"), Cell("2")),
    (Cell("3"), Cell("4")),
    caption="Trees",
    notes="Counted once.",
)


def test_table_grid_has_spanning_text_once() -> None:
    assert grid(SPANNED) == [
        ["Site", "Count", ""],
        ["", "2001", "2002"],
        ["North", "1", "2"],
        ["", "3", "4"],
    ]


def test_table_grid_pads_short_rows() -> None:
    assert grid(table((Cell("a"),), (Cell("b"), Cell("c")))) == [["a", ""], ["b", "c"]]


def test_csv_export_round_trips_grid() -> None:
    cells = table((Cell('say "hi", twice'), Cell("a\nb")), (Cell("c;d"), Cell(" e ")))
    written = to_csv(cells)
    assert written.endswith("\r\n")
    assert list(csv.reader(io.StringIO(written))) == [['say "hi", twice', "a b"], ["c;d", "e"]]


@pytest.mark.parametrize(
    "attack",
    [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3+cmd|' /C calc'!A0",
        "@SUM(A1)",
        "=HYPERLINK(1)",
        "\t=1+1",
        "＝1+1",
        "-A1",
        "+A1+B2",
        "-1-A1",
        " =1",
        "-2+3",
    ],
)
def test_csv_export_prevents_formula_injection(attack: str) -> None:
    ((cell,),) = csv.reader(io.StringIO(to_csv(table((Cell(attack),)))))
    assert cell.startswith("'")


@pytest.mark.parametrize(
    "number",
    [
        "-12.5",
        "−12.5",
        "+3",
        "-1,234.5",
        "-.5",
        "-3.2e-4",
        "-5 %",
        "-0.5 ± 0.1",
        "-1.2 (0.4)",
        "-2.3**",
        "-",
        "--",
        "+/-",
        "3-4",
        "a=b",
    ],
)
def test_csv_export_keeps_numbers_and_dashes(number: str) -> None:
    ((cell,),) = csv.reader(io.StringIO(to_csv(table((Cell(number),)))))
    assert cell == number


def test_html_export_has_spans_headers_caption_and_notes() -> None:
    written = to_html(SPANNED)
    assert "<caption>Table 1. Trees</caption>" in written
    assert (
        "<thead>\n"
        '<tr><th rowspan="2">Site</th><th colspan="2">Count</th></tr>\n'
        "<tr><th>2001</th><th>2002</th></tr>\n"
        "</thead>"
    ) in written
    assert '<tr><td rowspan="2">North</td><td>1</td><td>2</td></tr>' in written
    assert '<tfoot><tr><td colspan="3">Counted once.</td></tr></tfoot>' in written


def test_html_export_escapes_text() -> None:
    bad = "<script>alert('x')</script> & \"quotes\""
    written = to_html(table((Cell(bad),), caption=bad, notes=bad))
    assert "<script" not in written and "'x'" not in written
    assert written.count("&lt;script&gt;") == 3


def test_html_export_limits_spans_to_table() -> None:
    assert 'rowspan="2"' in to_html(table((Cell("a", rowspan=99), Cell("b")), (Cell("c"),)))
    assert grid(table((Cell("a", rowspan=99, colspan=2),), (Cell("b"),))) == [
        ["a", "", ""],
        ["", "", "b"],
    ]


def test_markdown_export_writes_github_table() -> None:
    assert to_markdown(table(HEAD, *BODY)) == (
        "| Plant | Height |\n| --- | --- |\n| Oak | −12.5 |\n| Fir | 3,400 |"
    )


def test_markdown_export_adds_empty_header() -> None:
    assert to_markdown(table(*BODY)).splitlines()[:3] == [
        "|  |  |",
        "| --- | --- |",
        "| Oak | −12.5 |",
    ]


def test_markdown_export_uses_html_for_spans_and_several_header_rows() -> None:
    assert to_markdown(SPANNED).startswith("<table>")
    assert to_markdown(table(HEAD, HEAD, *BODY)).startswith("<table>")


def test_markdown_export_escapes_cells() -> None:
    row = to_markdown(table((Cell("a|b"), Cell("[x](javascript:y)\n<b>")))).splitlines()[2]
    assert row == r"| a\|b | \[x\](javascript:y) &lt;b&gt; |"


def test_table_exports_of_empty_table_are_empty() -> None:
    assert grid(table()) == [] and to_csv(table()) == "" and to_markdown(table()) == ""
    assert "<tbody>" in to_html(table())
