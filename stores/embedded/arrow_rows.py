"""Arrow tables of Milvus Lite as rows of the search index, without a loop over rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from milvus_lite.schema.types import CollectionSchema, DataType, FieldSchema

from stores.search_index.rows import Rows, SparseRows

LONGEST_STRING = 512
"""VARCHAR fields up to this length are filter columns; longer ones hold text."""

_NUMBERS = (DataType.INT8, DataType.INT16, DataType.INT32, DataType.INT64)
_PAIR = np.dtype([("term", "<u4"), ("weight", "<f4")])  # of a stored sparse vector


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields of a collection that the index uses."""

    key: str
    dense: str
    dimension: int
    sparse: str
    strings: tuple[str, ...]
    numbers: tuple[str, ...]


def layout_of(schema: CollectionSchema) -> Layout | None:
    """Returns the layout of the collection, None if the index does not support its schema.

    Supported are collections with a string as key, one dense and one sparse vector, without
    partition key, functions, dynamic fields or nullable vectors.
    """
    fields = schema.fields
    key = [one for one in fields if one.is_primary and one.dtype == DataType.VARCHAR]
    dense = [one for one in fields if one.dtype == DataType.FLOAT_VECTOR]
    sparse = [one for one in fields if one.dtype == DataType.SPARSE_FLOAT_VECTOR]
    is_special = schema.functions or schema.enable_dynamic_field
    is_special = is_special or any(one.nullable or one.is_partition_key for one in fields)
    if is_special or not len(key) == len(dense) == len(sparse) == 1:
        return None
    return Layout(
        key[0].name,
        dense[0].name,
        dense[0].dim or 0,
        sparse[0].name,
        tuple(one.name for one in fields if _is_short_string(one)),
        tuple(one.name for one in fields if one.dtype in _NUMBERS),
    )


def _is_short_string(field: FieldSchema) -> bool:
    if field.dtype != DataType.VARCHAR or field.is_primary:
        return False
    return (field.max_length or LONGEST_STRING + 1) <= LONGEST_STRING


def rows_of(table: pa.Table | pa.RecordBatch, layout: Layout) -> Rows:
    """Returns the rows of a table or batch that has the fields of the layout."""
    vectors = _array(table, layout.dense).flatten().to_numpy()
    strings = {name: _array(table, name).to_pylist() for name in layout.strings}
    numbers = {name: _array(table, name).to_numpy() for name in layout.numbers}
    return Rows(
        _array(table, layout.key).to_pylist(),
        vectors.reshape(-1, layout.dimension),
        _sparse_rows(_array(table, layout.sparse)),
        {**strings, **numbers},
    )


def _array(table: pa.Table | pa.RecordBatch, name: str) -> Any:
    column = table.column(name)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _sparse_rows(column: pa.BinaryArray) -> SparseRows:
    """Returns stored sparse vectors: each is a sequence of pairs of a term and its weight."""
    _, offset_buffer, data = column.buffers()
    every = np.frombuffer(offset_buffer, np.int32) if offset_buffer else np.zeros(1, np.int32)
    offsets = every[column.offset : column.offset + len(column) + 1].astype(np.int64)
    inside = slice(offsets[0], offsets[-1])
    pairs = np.frombuffer(data or b"", np.uint8)[inside].view(_PAIR)
    starts = (offsets - offsets[0]) // _PAIR.itemsize
    return SparseRows(starts, pairs["term"].copy(), pairs["weight"].copy())
