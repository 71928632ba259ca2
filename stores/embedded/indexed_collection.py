"""A Milvus Lite collection with a search index that follows its rows."""

from __future__ import annotations

import logging
import time
from typing import Any, ClassVar

import pyarrow as pa
from milvus_lite.constants import ALL_PARTITIONS, DEFAULT_PARTITION

from runtime.patches.milvus_lite_rows import live_rows, row_count
from runtime.patches.milvus_lite_server import GuardedCollection
from stores.embedded.arrow_rows import Layout, layout_of, rows_of
from stores.embedded.load_progress import LoadProgress
from stores.search_index.chunk_index import ChunkIndex

LOG = logging.getLogger(__name__)


class IndexedCollection(GuardedCollection):
    """A collection whose index is built when it is opened and updated within each write.

    `index` is None if the schema is not supported, or if the collection has partitions.
    """

    progress: ClassVar[LoadProgress | None] = None
    """Records the indexed and the total number of rows while an index is built."""
    index: ChunkIndex | None = None
    layout: Layout | None = None

    def opened(self) -> None:
        """Builds the index from the rows."""
        self.layout = layout_of(self.schema)
        if self.layout is None or self.list_partitions() != [DEFAULT_PARTITION]:
            return
        began = time.monotonic()
        self.index = ChunkIndex(self.layout.key, self.layout.strings, self.layout.numbers)
        loaded, total = 0, row_count(self)
        for table, live in live_rows(self):
            self._record(loaded, total)
            self.index.upsert(rows_of(table, self.layout).where(live))
            loaded += table.num_rows
        self._record(total, total)
        seconds = time.monotonic() - began
        LOG.info("Search index of %s: %d rows in %.1f s.", self.name, len(self.index), seconds)

    def inserted(self, batch: pa.RecordBatch, partition: str) -> None:
        """Adds the rows to the index."""
        self._drop_index_if_partitioned(partition)
        if self.index is not None and self.layout is not None:
            self.index.upsert(rows_of(batch, self.layout))

    def deleted(self, keys: list[Any], partition: str) -> None:
        """Deletes the rows from the index."""
        self._drop_index_if_partitioned(partition)
        if self.index is not None:
            self.index.delete(keys)

    def has_key(self, key: Any) -> bool:
        """False if no row has this primary key."""
        return self.index is None or key in self.index

    def _record(self, loaded: int, total: int) -> None:
        if self.progress is not None:
            self.progress.record(loaded, total)

    def _drop_index_if_partitioned(self, partition: str) -> None:
        if partition not in (DEFAULT_PARTITION, ALL_PARTITIONS):
            self.index = None
