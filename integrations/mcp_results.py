"""Results of the tools of the MCP server."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from domain.documents import DocumentStatus
from integrations.passages import Names, Passage
from integrations.section_texts import SectionText
from serve_app.schemas.core import Document, Wire
from serve_app.schemas.papers import Table

PAGE_CHARACTERS = 20_000
CitationStyle = Literal["bibtex", "ris", "csl"]


class SearchAnswer(Wire):
    """Passages, best first.

    `nothing_fits` is true if none of them answers the query; null if that is not known. `notes`
    are sentences on what the search lacks.
    """

    passages: list[Passage]
    nothing_fits: bool | None
    notes: list[str]


class PaperEntry(Wire):
    """A paper. Only the text of papers with the status `ready` can be searched and read."""

    document_id: str
    collection: str
    filename: str
    status: DocumentStatus
    title: str | None = None
    authors: Names
    year: int | None = None
    venue: str | None = None
    doi: str | None = None
    pages: int | None = None


class PaperList(Wire):
    """Papers, newest upload first. Pass `next_cursor` as `cursor` for more; null at the end."""

    papers: list[PaperEntry]
    next_cursor: str | None = None


class PaperDetails(PaperEntry):
    """The metadata of a paper. `tables` is the number of its tables, null while unknown.

    `needs_review` is true if the PDF could not be read well.
    """

    abstract: str | None = None
    arxiv_id: str | None = None
    language: str | None = None
    keywords: list[str]
    tables: int | None = None
    needs_review: bool = False

    @classmethod
    def of(cls, document: Document) -> PaperDetails:
        """Returns the metadata of a document."""
        return cls.model_validate({**dict(document), "tables": document.counts.tables})


class SectionEntry(Wire):
    """A section and the number of characters of its own text, without its subsections.

    `number` is the argument of `read_paper`; `heading` is empty before the first heading.
    """

    number: int
    heading: str
    level: int
    page: int
    characters: int

    @classmethod
    def of(cls, section: SectionText) -> SectionEntry:
        """Returns the entry of a section."""
        return cls(
            number=section.number,
            heading=section.heading,
            level=section.level,
            page=section.page,
            characters=len(section.text),
        )


class SectionPage(SectionEntry):
    """Text of a section from character `offset` on.

    `next_offset` is where it continues: read again with it as `offset`; null at the end.
    """

    text: str
    offset: int
    next_offset: int | None = None

    @classmethod
    def starting_at(cls, offset: int, section: SectionText) -> SectionPage:
        """Returns up to PAGE_CHARACTERS characters of the section, without a part of a word."""
        end = _page_end(section.text, offset)
        return cls(
            **dict(SectionEntry.of(section)),
            text=section.text[offset:end],
            offset=offset,
            next_offset=end if end < len(section.text) else None,
        )


class PaperReading(BaseModel):
    """A paper: without `section` its list of sections, with `section` the text of that one."""

    paper: PaperDetails
    sections: list[SectionEntry] = []
    section: SectionPage | None = None


class TableContent(BaseModel):
    """A table. All rows of `header` and `rows` have the same length.

    A cell that spans several positions is at the first; the others are empty.
    """

    number: int
    label: str | None
    caption: str | None
    page: int
    header: list[list[str]]
    rows: list[list[str]]
    notes: str | None

    @classmethod
    def of(cls, table: Table) -> TableContent:
        """Returns the content of a table."""
        header, rows = table.grid()
        return cls(
            number=table.number,
            label=table.label,
            caption=table.caption,
            page=table.page,
            header=header,
            rows=rows,
            notes=table.notes,
        )


class Citation(BaseModel):
    """The bibliography entry of a paper: BibTeX, RIS or CSL JSON."""

    document_id: str
    style: CitationStyle
    text: str


class CollectionEntry(Wire):
    """A named set of papers."""

    name: str
    documents: int


class CollectionList(BaseModel):
    """The collections that the caller may see, by name."""

    collections: list[CollectionEntry]


def _page_end(text: str, offset: int) -> int:
    end = offset + PAGE_CHARACTERS
    if end >= len(text):
        return len(text)
    return max(text.rfind(" ", offset, end) + 1, text.rfind("\n", offset, end) + 1) or end
