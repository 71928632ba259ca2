"""Papers that a query names: DOI, arXiv id, title, file name, authors, or words of these."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.documents import Document, Passage
from domain.library_search import LibrarySearch
from domain.paper_names import (
    MAX_NAME_WORDS,
    PaperName,
    find_arxiv_id,
    find_doi,
    is_author,
    is_filename,
    words_beside_title,
)
from extraction.citations.match import match_key
from serve_app.library.copies import works_of
from serve_app.library.search_hits import Hit, wanted_papers
from stores.milvus.terms import STOP_WORDS, words

if TYPE_CHECKING:
    from serve_app.api.services import Services

MAX_OF_AUTHOR = 5
"""Papers of a named author, or with all words in their records, that precede the other hits."""
MAX_RECORD_WORDS = 20


@dataclass(frozen=True, slots=True)
class NamedDocuments:
    """What a query may be the name of, and the documents that may have that name."""

    name: PaperName
    documents: list[Document]


async def named_documents(search: LibrarySearch, services: Services) -> NamedDocuments:
    """Returns the documents that the query may name. Raises Unavailable."""
    name = name_of(search.query.text)
    return NamedDocuments(name, await services.documents.named(name, wanted_papers(search)))


async def named_hits(
    search: LibrarySearch, named: NamedDocuments, hits: Sequence[Hit], services: Services
) -> list[tuple[Hit, str]]:
    """Returns a passage of each document that the query names, and by what: `doi`, `title`, ...

    The passage is the best one among `hits`, else the first of the paper. Raises Unavailable.
    """
    reasons = [(document, _reason(document, named.name, hits)) for document in named.documents]
    exact = [one for one in reasons if one[1] not in (None, "author", "record")]
    chosen = exact or [one for one in reasons if one[1]][:MAX_OF_AUTHOR]
    if not search.lists_copies:
        chosen = _one_of_each_work(chosen, hits)
    return [
        ((passage, document), reason)
        for document, reason in chosen
        if reason and (passage := await _passage(document, search, hits, services))
    ]


def _one_of_each_work(
    chosen: Sequence[tuple[Document, str | None]], hits: Sequence[Hit]
) -> list[tuple[Document, str | None]]:
    """Returns one copy of each work, one of the hits if possible."""
    listed = [document for _, document in hits]
    works = works_of([*listed, *(document for document, _ in chosen)])
    best = dict[str, tuple[Document, str | None]]()
    for one in chosen:
        name = one[0].document_id
        if works[name] not in best or works[name] == name:
            best[works[name]] = one
    return list(best.values())


def name_of(query: str) -> PaperName:
    """Returns what the query may be the name of."""
    doi, arxiv_id = find_doi(query), find_arxiv_id(query)
    if doi or arxiv_id:
        return PaperName(doi, arxiv_id)
    own = words(query)
    return PaperName(
        title_key=match_key(query, None, None),
        author=query if len(own) <= MAX_NAME_WORDS else None,
        words=_record_words(own),
    )


def _record_words(query_words: Sequence[str]) -> tuple[str, ...]:
    """Returns the words that must be words of a record; none of a question or a long query."""
    is_short = len(query_words) <= MAX_RECORD_WORDS
    return tuple(word for word in query_words if word not in STOP_WORDS) if is_short else ()


def _reason(document: Document, name: PaperName, hits: Sequence[Hit]) -> str | None:
    """Returns by what the query names the document, None if it does not."""
    for field, value in name.identifiers:
        if value and getattr(document, field) == value:
            return field
    if name.title_key and match_key(document.title, None, None) == name.title_key:
        return "title"
    name_words = words(name.author or "")
    if len(name_words) == 1 and _is_plain_word(name_words[0], hits):
        return None
    if is_filename(name.words, document.filename):
        return "filename"
    if name_words and is_author(name_words, document.authors):
        return "author"
    beside = words_beside_title(name.words, document)
    return "record" if any(not _is_plain_word(word, hits) for word in beside) else None


def _is_plain_word(name_word: str, hits: Sequence[Hit]) -> bool:
    """Returns whether a passage uses the word in lower case: "field" is not a name there."""
    word = re.compile(rf"(?<!\w){re.escape(name_word)}(?!\w)")
    return name_word.isalpha() and any(word.search(passage.chunk.text) for passage, _ in hits)


async def _passage(
    document: Document, search: LibrarySearch, hits: Sequence[Hit], services: Services
) -> Passage | None:
    by_document: Mapping[str, Passage] = {
        one.document_id: passage for passage, one in reversed(hits)
    }
    if document.document_id in by_document:
        return by_document[document.document_id]
    if not search.is_open:
        return None
    chunks = await asyncio.to_thread(
        services.vectors.chunks, document.document_id, document.version, limit=1
    )
    return Passage(chunks[0], document.collection, 0.0) if chunks else None
