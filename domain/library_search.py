"""A search of the library: a query of the vector store, and conditions that it cannot evaluate."""

from __future__ import annotations

from dataclasses import dataclass, replace

from domain.documents import ALL_DOCUMENTS, DocumentFilter
from domain.errors import InvalidRequest
from domain.query_syntax import parse_query
from domain.search import SEARCHED_KINDS, SearchQuery
from domain.section_topics import SectionTopic

MAX_RANKED = 1000
"""A search ranks at most this number of passages, on all its pages together."""


@dataclass(frozen=True, slots=True)
class LibrarySearch:
    """`query` and its conditions: a hit has all `phrases`, none of `excluded`, one of `topics`.

    Its document meets `papers`. The first `offset` hits are skipped. `rerank`: None for what the
    service does by default. `plain_order`: the hits of the previous page were not reranked.
    `lists_copies`: the documents were chosen one by one, so copies of one work are separate hits.
    """

    query: SearchQuery
    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    topics: frozenset[SectionTopic] = frozenset()
    papers: DocumentFilter = ALL_DOCUMENTS
    offset: int = 0
    explain: bool = False
    rerank: bool | None = None
    plain_order: bool = False
    lists_copies: bool = False

    @property
    def limits_passages(self) -> bool:
        """True if passages of a wanted document may be unwanted, whatever the vector store says."""
        return bool(self.phrases or self.excluded or self.topics)

    @property
    def is_open(self) -> bool:
        """True if every text of a wanted document is wanted."""
        pages = (self.query.page_first, self.query.page_last)
        return (
            not self.limits_passages
            and pages == (None, None)
            and set(SEARCHED_KINDS) <= set(self.query.kinds or SEARCHED_KINDS)
        )


def parsed_search(
    query: SearchQuery,
    topics: frozenset[SectionTopic] = frozenset(),
    papers: DocumentFilter = ALL_DOCUMENTS,
    offset: int = 0,
    explain: bool = False,
    rerank: bool | None = None,
    plain_order: bool = False,
) -> LibrarySearch:
    """Returns the search of a query in the syntax of domain/query_syntax.py.

    Raises InvalidRequest for a query without anything to find, and beyond MAX_RANKED hits.
    """
    parsed = parse_query(query.text)
    if not parsed.text:
        raise InvalidRequest(
            "The query has nothing to find. Add a word or a phrase that is not excluded."
        )
    if offset + query.limit > MAX_RANKED:
        raise InvalidRequest(
            f"A search returns its best {MAX_RANKED:,} hits. Narrow it with filters or more words."
        )
    query = replace(query, text=parsed.text)
    return LibrarySearch(
        query,
        parsed.phrases,
        parsed.excluded,
        topics,
        papers,
        offset,
        explain=explain,
        rerank=rerank,
        plain_order=plain_order,
        lists_copies=bool(query.document_ids),
    )
