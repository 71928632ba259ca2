"""A collection as BibTeX, page by page: nothing but the keys is kept."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

from domain.documents import Document, DocumentStatus
from extraction.export.bibtex import cite_key, to_bibtex
from serve_app.library.paper_content import metadata_of
from stores.protocols import DocumentStore

PAGE = 200


async def bibliography_of(collection: str, documents: DocumentStore) -> AsyncIterator[str]:
    """The entries of all documents that can be searched, newest upload first, in pieces.

    Of documents that would share a key, the one that was uploaded first has it and the others get
    -2, -3 … behind it: a paper that comes in later changes no key in somebody's manuscript.
    """
    bases = {
        document.document_id: cite_key(metadata_of(document))
        async for page in _pages(collection, documents)
        for document in page
    }
    keys = _unique(bases)
    separator = ""
    async for page in _pages(collection, documents):
        known = [document for document in page if document.document_id in keys]
        if known:
            yield separator + await asyncio.to_thread(_entries, known, keys)
            separator = "\n"


async def _pages(collection: str, documents: DocumentStore) -> AsyncIterator[list[Document]]:
    cursor = None
    while True:
        page = await documents.list(
            collection=collection, status=DocumentStatus.READY, cursor=cursor, limit=PAGE
        )
        yield page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def _unique(bases: dict[str, str]) -> dict[str, str]:
    """The key of each document; `bases` come newest first."""
    used = Counter[str]()
    keys = {}
    for name, base in reversed(bases.items()):
        used[base] += 1
        keys[name] = base if used[base] == 1 else f"{base}-{used[base]}"
    return keys


def _entries(documents: list[Document], keys: dict[str, str]) -> str:
    """Entries, parted by blank lines."""
    return "\n".join(to_bibtex(metadata_of(one), keys[one.document_id]) for one in documents)
