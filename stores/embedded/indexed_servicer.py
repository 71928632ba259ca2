"""The RPCs of the embedded server: the search index answers, or else Milvus Lite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from milvus_lite.exceptions import MilvusLiteError

from runtime.patches.milvus_lite_server import FlushSafeServicer
from stores.embedded import hybrid_messages, index_messages
from stores.embedded.indexed_collection import IndexedCollection
from stores.search_index.columns import UnsupportedFilter


class IndexedServicer(FlushSafeServicer):
    """Answers searches, queries and deletions by filter from the index of the collection.

    Such an answer does not wait for a flush or a compaction. A request that the index does not
    understand, and every invalid request, is passed to Milvus Lite.
    """

    def Search(self, request: Any, context: Any) -> Any:
        """Returns the rows nearest to a vector."""
        answer = self._from_index(index_messages.search, request, context)
        return super().Search(request, context) if answer is None else answer

    def HybridSearch(self, request: Any, context: Any) -> Any:
        """Returns the best rows of a search by vector and one by words."""
        answer = self._from_index(hybrid_messages.hybrid_search, request, context)
        return super().HybridSearch(request, context) if answer is None else answer

    def Query(self, request: Any, context: Any) -> Any:
        """Returns rows by key or filter, or their number."""
        answer = self._from_index(index_messages.query, request, context)
        return super().Query(request, context) if answer is None else answer

    def Delete(self, request: Any, context: Any) -> Any:
        """Deletes rows by key or filter."""
        keys = self._from_index(index_messages.keys_of_filter, request, context)
        if keys is None:
            return super().Delete(request, context)
        self._get_collection(request, context).delete(keys)
        return index_messages.deletion_message(keys)

    def _from_index(
        self, answer: Callable[[IndexedCollection, Any], Any], request: Any, context: Any
    ) -> Any:
        """Returns the answer, None if only Milvus Lite can give it."""
        try:
            collection = self._get_collection(request, context)
            assert isinstance(collection, IndexedCollection)
            return answer(collection, request)
        except (UnsupportedFilter, MilvusLiteError):
            return None
