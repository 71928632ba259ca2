"""The fields of the search form, which are also the parameters in the address of the page."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from domain.access import Access
from domain.documents import ChunkKind, DocumentFilter
from domain.library_search import LibrarySearch, parsed_search
from domain.search import SEARCHED_KINDS, SearchMode, SearchQuery
from domain.section_topics import SectionTopic
from serve_app.api.parameters import STORABLE
from serve_app.library.search_cursor import SearchCursor
from serve_app.pages.parameters import Blank, FilterText, Year, shown_name
from serve_app.schemas.requests import CollectionName
from stores.postgres.cursors import CURSOR

HITS, MAX_QUERY_CHARACTERS = 20, 4000


class SearchForm(BaseModel):
    """A search; absent and empty fields limit nothing. `papers` shows each paper once."""

    q: Annotated[str, Field(max_length=MAX_QUERY_CHARACTERS, pattern=STORABLE)] = ""
    collection: Annotated[CollectionName | None, Blank] = None
    mode: SearchMode = SearchMode.HYBRID
    kind: Annotated[ChunkKind | None, Blank] = None
    section: Annotated[SectionTopic | None, Blank] = None
    author: FilterText = ""
    year_first: Year = None
    year_last: Year = None
    tag: FilterText = ""
    papers: bool = False
    cursor: Annotated[str, Field(pattern=CURSOR.pattern)] | None = None

    @property
    def collection_name(self) -> str | None:
        """The present name of the chosen collection."""
        return shown_name(self.collection)

    @property
    def parameters(self) -> dict[str, Any]:
        """The fields that are not empty as parameters of an address, without the cursor."""
        given = self.model_dump(exclude_defaults=True, exclude={"cursor"})
        return {**given, "collection": self.collection_name}

    @property
    def has_filters(self) -> bool:
        """True if the folded filters limit the search."""
        folded = (self.author.strip(), self.tag.strip(), self.year_first, self.year_last)
        return any((*folded, self.section, self.kind, self.papers))

    def search(self, access: Access) -> LibrarySearch:
        """Returns the search within what the client may see. Raises InvalidRequest."""
        query = SearchQuery(
            self.q,
            self.collection,
            self.mode,
            HITS,
            kinds=(self.kind,) if self.kind else SEARCHED_KINDS,
            group_by_document=self.papers,
            among=access.collections,
        )
        topics = frozenset((self.section,) if self.section else ())
        cursor = SearchCursor.decoded(self.cursor)
        return parsed_search(
            query, topics, self._papers(), cursor.offset, plain_order=cursor.plain_order
        )

    def _papers(self) -> DocumentFilter:
        tag = self.tag.strip()
        return DocumentFilter(
            author=self.author.strip() or None,
            year_first=self.year_first,
            year_last=self.year_last,
            tags=(tag,) if tag else (),
        )
