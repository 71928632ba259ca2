"""The decision table for wrapped cells: which printed line continues the row above it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from extraction.tables.row_features import CellFeatures, RowFeatures, is_continuation

WRAPPED = CellFeatures(is_below_cell=True, is_below_one_column=True, wraps=True)
NEW = CellFeatures()  # no cell above
LABEL = replace(WRAPPED, is_label=True)
OPEN = replace(WRAPPED, is_open=True)


def _row(*cells: CellFeatures, above: int = 3) -> RowFeatures:
    return RowFeatures(
        gap=0.0,
        is_far=False,
        is_final=False,
        looks_complete=False,
        cells=cells,
        cells_above=above,
    )


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (_row(WRAPPED), True),
        (_row(WRAPPED, WRAPPED), True),
        (_row(replace(WRAPPED, wraps=False)), False),
        (_row(replace(WRAPPED, wraps=False, starts_inside=True)), True),
        (replace(_row(WRAPPED), is_far=True), False),
        (replace(_row(WRAPPED), is_final=True), False),
        (_row(WRAPPED, NEW), False),
        (_row(OPEN, NEW), True),
        (_row(replace(WRAPPED, is_long_number=True)), False),
        (_row(replace(WRAPPED, is_wider=True)), False),
        (_row(WRAPPED, WRAPPED, WRAPPED), False),
        (_row(WRAPPED, WRAPPED, WRAPPED, above=4), True),
    ],
)
def test_line_continues_the_cells_above(row: RowFeatures, expected: bool) -> None:
    assert is_continuation(row) is expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (_row(LABEL), False),
        (_row(replace(LABEL, starts_inside=True)), True),
        (_row(replace(LABEL, is_indented=True)), True),
        (_row(replace(LABEL, is_indented=True, wraps=False)), False),
        (_row(replace(LABEL, starts_inside=True), above=1), False),
        (_row(replace(LABEL, is_open=True), NEW), True),
        (_row(LABEL, WRAPPED), False),
        (_row(replace(LABEL, starts_inside=True), WRAPPED), True),
        (_row(replace(LABEL, starts_inside=True), NEW, above=1), True),
        (_row(LABEL, NEW, above=1), False),
    ],
)
def test_line_with_first_cell_continues_the_row_above(row: RowFeatures, expected: bool) -> None:
    assert is_continuation(row) is expected
