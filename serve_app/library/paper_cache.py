"""LRU cache of parsed papers."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from domain.papers import Paper
from extraction.serialization import load_paper
from stores.blobs.blob_store import BlobStore


class PaperCache:
    """LRU cache of up to `max_papers` papers by artifact key.

    Entries never become stale: an artifact is immutable, and a new version has a new key.
    """

    def __init__(self, max_papers: int = 8) -> None:
        self.max_papers = max_papers
        self._papers: OrderedDict[str, asyncio.Future[Paper]] = OrderedDict()

    async def get(self, blobs: BlobStore, key: str) -> Paper:
        """Returns the paper; concurrent calls share one read. Raises NotFound, Unavailable."""
        future = self._papers.get(key)
        if future is None:
            future = asyncio.ensure_future(asyncio.to_thread(_read, blobs, key))
            self._papers[key] = future
        self._papers.move_to_end(key)
        while len(self._papers) > self.max_papers:
            self._papers.popitem(last=False)
        try:
            return await asyncio.shield(future)  # cancelling one caller must not affect the others
        except Exception:
            if self._papers.get(key) is future:
                del self._papers[key]
            raise


def _read(blobs: BlobStore, key: str) -> Paper:
    return load_paper(blobs.read(key))
