"""Searches by embedding and by words at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from domain.search import Candidates, Retrieved

SEARCHES_AT_ONCE = 16  # by words, each beside a search by embedding in the thread of the caller

# Returns candidates, and adds the document of each to the dictionary if documents are needed.
Retrieve = Callable[[dict[str, str]], Candidates]

_by_words = ThreadPoolExecutor(SEARCHES_AT_ONCE, "search-by-words")


def retrieve_both(by_embedding: Retrieve, by_words: Retrieve) -> Retrieved:
    """Returns the candidates of both searches. Raises the errors of both."""
    document_of = dict[str, str]()
    sparse = _by_words.submit(by_words, document_of)
    dense = by_embedding(document_of)
    return Retrieved(dense, sparse.result(), document_of)
