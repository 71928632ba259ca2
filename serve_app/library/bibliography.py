"""Exports a collection as BibTeX, page by page; only the citation keys are kept in memory."""

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
    """Yields the BibTeX entries of all searchable documents in chunks, newest upload first.

    If documents have the same key, the earliest upload keeps it and later ones get the suffixes
    -2, -3, … A later upload therefore never changes the keys that manuscripts already cite.
    """
    bases = {
        document.document_id: cite_key(metadata_of(document))
        async for page in _pages(collection, documents)
        for document in page
    }
    keys = _unique(bases)
    separator = ""
    async for page in _pages(collection, documents):
        with_key = [document for document in page if document.document_id in keys]
        if with_key:
            yield separator + await asyncio.to_thread(_entries, with_key, keys)
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
    """Returns a unique key per document id; `bases` is ordered newest first."""
    used = Counter[str]()
    keys = {}
    for name, base in reversed(bases.items()):
        used[base] += 1
        keys[name] = base if used[base] == 1 else f"{base}-{used[base]}"
    return keys


def _entries(documents: list[Document], keys: dict[str, str]) -> str:
    """Returns the entries, separated by blank lines."""
    return "\n".join(
        to_bibtex(metadata_of(document), keys[document.document_id]) for document in documents
    )
