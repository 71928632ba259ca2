"""What was read from the papers that were asked for last, so that it is fetched and parsed once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from domain.papers import Paper
from extraction.serialization import load_paper
from stores.blobs.blob_store import BlobStore


class PaperCache:
    """Papers by the key of their artifact, the last `max_papers` that were asked for.

    Safe to forget. An artifact never changes under its key, a new version has a new one.
    """

    def __init__(self, max_papers: int = 8) -> None:
        self.max_papers = max_papers
        self._papers: OrderedDict[str, asyncio.Future[Paper]] = OrderedDict()

    async def get(self, blobs: BlobStore, key: str) -> Paper:
        """The paper; who asks while it is fetched gets the same. Raises NotFound, Unavailable."""
        found = self._papers.get(key)
        if found is None:
            found = asyncio.ensure_future(asyncio.to_thread(_read, blobs, key))
            self._papers[key] = found
        self._papers.move_to_end(key)
        while len(self._papers) > self.max_papers:
            self._papers.popitem(last=False)
        try:
            return await asyncio.shield(found)  # one who leaves takes it from nobody else
        except Exception:
            if self._papers.get(key) is found:
                del self._papers[key]
            raise


def _read(blobs: BlobStore, key: str) -> Paper:
    return load_paper(blobs.read(key))
