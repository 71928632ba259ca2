"""The bibliography of collections and of chosen documents, in the formats of reference managers."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.access import Access
from domain.documents import Document, DocumentFilter, DocumentStatus
from extraction.export.bibtex import cite_key, to_bibtex
from extraction.export.csl import to_csl
from extraction.export.ris import to_ris
from serve_app.library.papers import metadata_of
from stores.protocols import DocumentStore

PAGE = 200


class BibliographyFormat(StrEnum):
    BIBTEX = "bibtex"
    RIS = "ris"
    CSL = "csl"


@dataclass(frozen=True, slots=True)
class FormatSpec:
    """How a format is written: `entry` returns the text of a document with its citation key."""

    media_type: str
    ending: str
    entry: Callable[[Document, str], str]
    start: str = ""
    separator: str = "\n"
    end: str = ""
    charset: str = "; charset=utf-8"  # JSON has no such parameter: it is always UTF-8

    @property
    def content_type(self) -> str:
        """The value of the Content-Type header."""
        return self.media_type + self.charset


def _bibtex(document: Document, key: str) -> str:
    return to_bibtex(metadata_of(document), key)


def _ris(document: Document, key: str) -> str:
    return to_ris(metadata_of(document), key)


def _csl(document: Document, _key: str) -> str:
    item = to_csl(metadata_of(document), document.document_id)
    return json.dumps(item, ensure_ascii=False)


FORMATS = {
    BibliographyFormat.BIBTEX: FormatSpec("application/x-bibtex", ".bib", _bibtex),
    BibliographyFormat.RIS: FormatSpec("application/x-research-info-systems", ".ris", _ris),
    BibliographyFormat.CSL: FormatSpec(
        *("application/vnd.citationstyles.csl+json", ".csl.json", _csl), "[", ",\n", "]\n", ""
    ),
}


async def bibliography_of(
    collections: Sequence[str],
    chosen: BibliographyFormat,
    documents: DocumentStore,
    also: Sequence[Document] = (),
) -> AsyncIterator[str]:
    """Yields one bibliography of these documents and of the searchable ones of the collections.

    The chosen documents come first, then those of each collection, newest upload first. If
    documents have the same key, the earliest upload keeps it and later ones get the suffixes -2,
    -3, … A later upload therefore never changes the keys that manuscripts already cite.
    """
    found = {
        document.document_id: (document.created_at, cite_key(metadata_of(document)))
        async for page in _pages(collections, documents, also)
        for document in page
    }
    newest_first = sorted(found.items(), key=lambda one: one[1][0], reverse=True)
    keys, spec = _unique({name: key for name, (_, key) in newest_first}), FORMATS[chosen]
    before = spec.start
    async for page in _pages(collections, documents, also):
        with_key = [document for document in page if document.document_id in keys]
        if with_key:
            yield before + await asyncio.to_thread(_entries, with_key, keys, spec)
            before = spec.separator
    yield (spec.start if before == spec.start else "") + spec.end


async def searchable_documents(
    document_ids: Collection[str], documents: DocumentStore, access: Access
) -> list[Document]:
    """Returns those of the documents that are searchable and visible, newest upload first."""
    found = (await documents.active(document_ids)).values()
    ready = [
        document
        for document in found
        if document.status == DocumentStatus.READY and access.sees(document.collection)
    ]
    return sorted(ready, key=lambda document: document.created_at, reverse=True)


def entries_of(documents: list[Document], spec: FormatSpec) -> str:
    """Returns the bibliography of these documents, which are ordered newest first."""
    keys = _unique({one.document_id: cite_key(metadata_of(one)) for one in documents})
    return spec.start + _entries(documents, keys, spec) + spec.end


async def _pages(
    collections: Sequence[str], documents: DocumentStore, also: Sequence[Document]
) -> AsyncIterator[list[Document]]:
    """Yields each document once."""
    yield list(also)
    listed = {document.document_id for document in also}
    for collection in dict.fromkeys(collections):
        searchable, cursor = DocumentFilter(collection, DocumentStatus.READY), None
        while True:
            page = await documents.list(searchable, cursor=cursor, limit=PAGE)
            yield [document for document in page.items if document.document_id not in listed]
            if (cursor := page.next_cursor) is None:
                break


def _unique(bases: dict[str, str]) -> dict[str, str]:
    """Returns a unique key per document id; `bases` is ordered newest first."""
    used = Counter[str]()
    keys = {}
    for name, base in reversed(bases.items()):
        used[base] += 1
        keys[name] = base if used[base] == 1 else f"{base}-{used[base]}"
    return keys


def _entries(documents: list[Document], keys: dict[str, str], spec: FormatSpec) -> str:
    return spec.separator.join(spec.entry(one, keys[one.document_id]) for one in documents)
