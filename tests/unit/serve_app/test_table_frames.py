"""Tables of a paper as pandas frames."""

from __future__ import annotations

import pytest

from domain.papers import Cell
from serve_app.schemas.papers import Table


def table(*rows: list[str | Cell]) -> Table:
    box = {"page": 1, "x0": 0, "y0": 0, "x1": 1, "y1": 1}
    return Table.model_validate(
        {"number": 1, "page": 1, "box": box, "boxes": [box], "markdown": "", "source": "ruled"}
        | {"rows": rows}
    )


def head(text: str, rowspan: int = 1, colspan: int = 1) -> Cell:
    return Cell(text, rowspan=rowspan, colspan=colspan, header=True)


def test_header_row_names_the_columns() -> None:
    frame = table([head("Species"), head("Count")], ["mouse", "3"], ["rat", "12"]).frame()
    assert frame.to_dict("list") == {"Species": ["mouse", "rat"], "Count": ["3", "12"]}


def test_several_header_rows_are_joined() -> None:
    frame = table(
        [head("Species", rowspan=2), head("Weight", colspan=2)],
        [head("g"), head("error")],
        ["mouse", "20", "2"],
    ).frame()
    assert list(frame.columns) == ["Species", "Weight g", "error"]
    assert frame.to_numpy().tolist() == [["mouse", "20", "2"]]


@pytest.mark.parametrize("rows", [[], [["a", "b"], ["c", "d"]]])
def test_table_without_header_has_numbered_columns(rows: list[list[str | Cell]]) -> None:
    frame = table(*rows).frame()
    assert list(frame.columns) == list(range(len(rows)))
    assert frame.to_numpy().tolist() == rows


def test_repeated_names_of_columns_are_kept() -> None:
    frame = table([head("n"), head("n")], ["1", "2"]).frame()
    assert (list(frame.columns), frame.to_numpy().tolist()) == (["n", "n"], [["1", "2"]])
