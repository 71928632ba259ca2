"""Reads the rows of a Milvus Lite collection from memory. Uses internals of milvus-lite 3.2.

Private names:
    `Collection._memtable`, `_segment_cache`, `_delta_index`; `MemTable._lock`, `_pk_index`,
    `_insert_batches`; `DeltaIndex.snapshot`; `Segment.table`, `pks`, `seqs`, `pk_to_row`.

Reasons:
    * All rows are needed as Arrow tables when a search index is built. The public methods return
      dictionaries, row by row.
    * `Collection.get` takes a lock that a compaction holds for seconds, and decodes every field of
      a row, the vectors included. Here no reader waits, and only requested fields are decoded.

Check on upgrade: that a flush replaces `_memtable` before it writes, that `_segment_cache` gets new
segments before old ones are removed, and that the row with the highest `_seq` counts;
tests/stores/test_search_index_server.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from milvus_lite.storage.memtable import MemTable

from runtime.patches.milvus_lite_server import GuardedCollection


def row_count(collection: GuardedCollection) -> int:
    """Returns the number of rows in memory, with replaced and deleted ones."""
    sealed = sum(segment.table.num_rows for segment in collection._segment_cache.values())
    return sealed + sum(batch.num_rows for batch in collection._memtable._insert_batches)


def live_rows(collection: GuardedCollection) -> Iterator[tuple[pa.Table, np.ndarray]]:
    """Yields all rows as tables with a mask of the live ones: neither replaced nor deleted.

    Not safe during writes, flushes or compactions.
    """
    tables = [segment.table for segment in collection._segment_cache.values()]
    if batches := collection._memtable._insert_batches:
        tables.append(pa.Table.from_batches(batches))
    if not tables:
        return
    keys = [key for table in tables for key in table.column(collection.pk_field).to_pylist()]
    numbers = np.concatenate([table.column("_seq").to_numpy() for table in tables])
    live = _live(keys, numbers, _deletions(collection))
    start = 0
    for table in tables:
        yield table, live[start : start + table.num_rows]
        start += table.num_rows


def _live(keys: list[Any], numbers: np.ndarray, deletions: dict[Any, int]) -> np.ndarray:
    """Returns a mask of the last row of each key, unless it was deleted afterwards."""
    order = np.argsort(numbers, kind="stable").tolist()
    last = {keys[row]: row for row in order}
    for key, number in deletions.items():
        row = last.get(key)
        if row is not None and numbers[row] < number:
            del last[key]
    mask = np.zeros(len(keys), bool)
    mask[list(last.values())] = True
    return mask


def _deletions(collection: GuardedCollection) -> dict[Any, int]:
    """Returns the number of the last deletion of each key."""
    found = collection._delta_index.snapshot
    for key, (number, _) in collection._memtable.delete_index_snapshot().items():
        found[key] = max(number, found.get(key, -1))
    return found


def read_rows(
    collection: GuardedCollection, keys: Sequence[Any], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Returns these fields of the newest row of each key; unknown keys are skipped.

    Does not check whether a row was deleted. Never waits for a flush or a compaction.
    """
    # In this order: a flush moves rows from the first to the second to the third.
    memtable, frozen = collection._memtable, collection.frozen
    segments = tuple(collection._segment_cache.values())
    places = [_place(key, (memtable, frozen), segments) for key in keys]
    columns = dict[int, list[Any]]()  # by source: to look up a column takes as long as its value
    rows = list[dict[str, Any]]()
    for source, row in filter(None, places):
        if id(source) not in columns:
            columns[id(source)] = [source.column(name) for name in names]
        values = [column[row].as_py() for column in columns[id(source)]]
        rows.append(dict(zip(names, values, strict=True)))
    return rows


def _place(
    key: Any, memtables: Sequence[MemTable | None], segments: Sequence[Any]
) -> tuple[pa.Table | pa.RecordBatch, int] | None:
    for memtable in filter(None, memtables):
        with memtable._lock:
            if key in memtable._pk_index:
                batch, row, _ = memtable._pk_index[key]
                return memtable._insert_batches[batch], row
    found = [(one, row) for one in segments if (row := one.pk_to_row.get(key)) is not None]
    if not found:
        return None
    segment, row = max(found, key=lambda pair: pair[0].seqs[pair[1]])
    return segment.table, row
