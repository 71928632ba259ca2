"""Tables of a quantized graph stay int8 when it is compiled; the results are equal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedding.embedding_tables import gather_before_scaling
from runtime.patches.openvino import ov

ROWS, WIDTH = 50, 8
ops: Any = ov.opset13
make_model: Any = ov.Model  # its annotations contradict each other


def graph_of(table: Any, axis: int = 0) -> ov.Model:
    """Returns a graph that gathers rows of the table by ids of any shape."""
    ids = ops.parameter([-1, -1], ov.Type.i64)
    return make_model([ops.gather(table, ids, ops.constant(axis, ov.Type.i64))], [ids])


def int8_table(scale_shape: tuple[int, ...]) -> Any:
    chance = np.random.default_rng(1)
    codes = ops.constant(chance.integers(-127, 128, (ROWS, WIDTH), dtype=np.int8))
    scale = ops.constant(chance.random(scale_shape, np.float32))
    return ops.multiply(ops.convert(codes, "f32"), scale)


def rows_of(graph: ov.Model) -> np.ndarray:
    ids = np.arange(2 * ROWS, dtype=np.int64).reshape(4, -1) % ROWS
    return ov.Core().compile_model(graph, "CPU").create_infer_request().infer([ids])[0].copy()


def gathered_types(graph: ov.Model) -> set[str]:
    """Returns the element types of the tables with several columns."""
    tables = [one.input_value(0) for one in graph.get_ops() if one.get_type_name() == "Gather"]
    wide = [table for table in tables if table.get_shape()[-1] == WIDTH]
    return {table.get_element_type().get_type_name() for table in wide}


def test_rows_are_gathered_as_int8_and_equal() -> None:
    expected = rows_of(graph_of(int8_table((ROWS, 1))))
    graph = graph_of(int8_table((ROWS, 1)))
    assert gather_before_scaling(graph) == 1
    assert gathered_types(graph) == {"i8"}
    np.testing.assert_array_equal(rows_of(graph), expected)


@pytest.mark.parametrize("shape", [(1, WIDTH), (1, 1), (ROWS, WIDTH)])
def test_table_with_other_scales_is_unchanged(shape: tuple[int, int]) -> None:
    graph = graph_of(int8_table(shape))
    assert gather_before_scaling(graph) == 0


def test_columns_of_table_are_unchanged() -> None:
    assert gather_before_scaling(graph_of(int8_table((ROWS, 1)), axis=1)) == 0


def test_float_table_is_unchanged() -> None:
    graph = graph_of(ops.constant(np.ones((ROWS, WIDTH), np.float32)))
    assert gather_before_scaling(graph) == 0


@pytest.mark.models
def test_bundled_model_has_int8_tables(tmp_path: Path) -> None:
    from embedding.load import DEFAULT_MODEL, converted, resolve_model

    folder = converted(resolve_model(DEFAULT_MODEL), "openvino-int8", tmp_path / "model")
    graph = ov.Core().read_model(str(folder / "model.xml"))
    assert gather_before_scaling(graph) >= 1
