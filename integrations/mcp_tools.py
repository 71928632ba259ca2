"""The tools of the MCP server. Their docstrings are the descriptions that language models read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from domain.search import SearchMode
from domain.section_topics import SectionTopic
from integrations.mcp_callers import CallerLibrary
from integrations.mcp_results import (
    Citation,
    CitationStyle,
    CollectionEntry,
    CollectionList,
    PaperDetails,
    PaperEntry,
    PaperList,
    PaperReading,
    SearchAnswer,
    SectionEntry,
    SectionPage,
    TableContent,
)
from integrations.passages import Passage
from integrations.section_texts import SectionText, section_texts
from serve_app.client import AsyncClient, PaperworksProblem

Query = Annotated[
    str,
    Field(
        description='A question, or keywords; "words in quotes" must occur, -word must not. A DOI, '
        "a title or the name of an author finds that paper first."
    ),
]
InCollection = Annotated[
    str | None, Field(description="Name of a collection; without it, all collections.")
]
Mode = Annotated[
    SearchMode,
    Field(description="hybrid; dense: by meaning; sparse: by words, for names and exact terms."),
]
PassageLimit = Annotated[int, Field(description="Maximum number of passages, 1 to 200.")]
Words = Annotated[
    str | None,
    Field(description="Each of these words occurs in the title, a name of an author or the file."),
]
YearFirst = Annotated[int | None, Field(description="Published in this year or later.")]
YearLast = Annotated[int | None, Field(description="Published in this year or earlier.")]
Author = Annotated[str | None, Field(description="Name, or family name, of an author.")]
Tag = Annotated[str | None, Field(description="A tag of the papers.")]
Sections = Annotated[
    list[SectionTopic] | None, Field(description="Only sections about one of these.")
]
Cursor = Annotated[str | None, Field(description="`next_cursor` of the previous page.")]
PaperLimit = Annotated[int, Field(description="Maximum number of papers in a page, 1 to 200.")]
DocumentId = Annotated[str, Field(description="`document_id` of a paper.")]
SectionNumber = Annotated[int | None, Field(description="`number` in the list of sections.")]
Offset = Annotated[int, Field(ge=0, description="`next_offset` of the previous page, or 0.")]
TableNumber = Annotated[int, Field(description="The tables of a paper are numbered from 1.")]
Style = Annotated[CitationStyle, Field(description="BibTeX, RIS or CSL JSON.")]


class LibraryTools:
    """The tools; each request uses the key that `key_of` returns for its caller."""

    def __init__(self, client: AsyncClient, key_of: Callable[[Context], str | None]) -> None:
        self._client = client
        self._key_of = key_of

    async def search(
        self,
        context: Context,
        query: Query,
        collection: InCollection = None,
        mode: Mode = SearchMode.HYBRID,
        author: Author = None,
        year_first: YearFirst = None,
        year_last: YearLast = None,
        sections: Sections = None,
        tag: Tag = None,
        limit: PassageLimit = 10,
    ) -> SearchAnswer:
        """Searches the research papers; returns the passages that answer the query best.

        Each passage names its paper, section, page and bounding boxes. Check `nothing_fits` first.
        """
        filters = {
            "author": author,
            "year_first": year_first,
            "year_last": year_last,
            "sections": sections,
            "tags": [tag] if tag else None,
        }
        given = {name: value for name, value in filters.items() if value}
        async with self._library(context) as library:
            result = await library.search(
                query, collection=collection, mode=mode, filters=given or None, limit=limit
            )
        passages = list(map(Passage.model_validate, result.hits))
        return SearchAnswer(passages=passages, nothing_fits=result.nothing_fits, notes=result.notes)

    async def list_papers(
        self,
        context: Context,
        collection: InCollection = None,
        text: Words = None,
        year_first: YearFirst = None,
        year_last: YearLast = None,
        author: Author = None,
        tag: Tag = None,
        cursor: Cursor = None,
        limit: PaperLimit = 50,
    ) -> PaperList:
        """Lists papers by collection, words of the title, author, year and tag, page by page."""
        async with self._library(context) as library:
            page = await library.documents(
                collection=collection,
                text=text,
                year_first=year_first,
                year_last=year_last,
                author=author,
                tags=[tag] if tag else None,
                cursor=cursor,
                limit=limit,
            )
        papers = list(map(PaperEntry.model_validate, page.items))
        return PaperList(papers=papers, next_cursor=page.next_cursor)

    async def read_paper(
        self,
        context: Context,
        document_id: DocumentId,
        section: SectionNumber = None,
        offset: Offset = 0,
    ) -> PaperReading:
        """Reads a paper: without `section` its metadata and the list of its sections, with
        `section` the text of that section.

        A subsection is a section of its own. Long text comes in pages: call again with
        `next_offset` as `offset`.
        """
        async with self._library(context) as library:
            paper = await library.paper(document_id)
        details, sections = PaperDetails.of(paper.document), section_texts(paper)
        if section is None:
            return PaperReading(paper=details, sections=list(map(SectionEntry.of, sections)))
        page = SectionPage.starting_at(offset, _numbered(section, sections))
        return PaperReading(paper=details, section=page)

    async def get_table(
        self, context: Context, document_id: DocumentId, number: TableNumber
    ) -> TableContent:
        """Returns a table of a paper: caption, header rows and rows."""
        async with self._library(context) as library:
            tables = await library.tables(document_id)
            if number not in (table.number for table in tables):
                await library.table_csv(document_id, number)  # the service states the reason
        return TableContent.of(next(table for table in tables if table.number == number))

    async def cite(
        self, context: Context, document_id: DocumentId, style: Style = "bibtex"
    ) -> Citation:
        """Returns the bibliography entry of a paper."""
        async with self._library(context) as library:
            text = await library.export(document_id, style)
        return Citation(document_id=document_id, style=style, text=text)

    async def list_collections(self, context: Context) -> CollectionList:
        """Lists the collections with their numbers of papers."""
        async with self._library(context) as library:
            collections = await library.collections()
        return CollectionList(collections=list(map(CollectionEntry.model_validate, collections)))

    @asynccontextmanager
    async def _library(self, context: Context) -> AsyncIterator[CallerLibrary]:
        """Yields the library as the caller sees it. Raises ToolError with the problem's detail."""
        try:
            yield CallerLibrary(self._client, self._key_of(context))
        except PaperworksProblem as problem:
            raise ToolError(problem.detail) from problem


def _numbered(number: int, sections: list[SectionText]) -> SectionText:
    for section in sections:
        if section.number == number:
            return section
    known = ", ".join(str(section.number) for section in sections) or "none"
    raise ToolError(f"The paper has no section {number}; its sections: {known}.")
