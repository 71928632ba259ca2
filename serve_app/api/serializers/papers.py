"""From what was read out of a paper to the shapes on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from domain import papers
from domain.documents import Document
from domain.papers import Paper, Section
from extraction.export import table_formats as tables
from serve_app.api.serializers.core import to_author_schema, to_document_schema, to_rectangle_schema
from serve_app.schemas import core as schemas
from serve_app.schemas import papers as paper_schemas


def to_section_schemas(sections: Sequence[Section]) -> list[paper_schemas.Section]:
    """Headings and their places."""
    return [
        paper_schemas.Section(
            ordinal=one.ordinal,
            level=one.level,
            number=one.number,
            title=one.title,
            page=one.page,
            box=to_rectangle_schema(one.box),
            role=one.role,
        )
        for one in sections
    ]


def to_table_schemas(paper: Paper) -> list[paper_schemas.Table]:
    """The tables of a paper."""
    return [
        paper_schemas.Table(
            number=one.number,
            label=one.label,
            caption=one.caption,
            page=one.page,
            box=to_rectangle_schema(one.boxes[0]),
            boxes=_boxes(one.boxes),
            rows=[[_to_cell_schema(cell) for cell in row] for row in one.rows],
            markdown=tables.to_markdown(one),
            source=one.source,
            notes=one.notes,
        )
        for one in paper.tables
    ]


def to_figure_schemas(paper: Paper) -> list[paper_schemas.Figure]:
    """The figures of a paper."""
    return [
        paper_schemas.Figure(
            number=one.number,
            label=one.label,
            caption=one.caption,
            page=one.page,
            box=to_rectangle_schema(one.box),
        )
        for one in paper.figures
    ]


def to_reference_schemas(paper: Paper, links: Mapping[int, str]) -> list[paper_schemas.Reference]:
    """The bibliography of a paper; `links`: by ordinal, the document that an entry means."""
    names = ("ordinal", "raw", "page", "title", "venue", "year", "doi", "arxiv_id")
    return [
        paper_schemas.Reference(
            **{name: getattr(one, name) for name in names},
            authors=list(map(to_author_schema, one.authors)),
            document_id=links.get(one.ordinal),
        )
        for one in paper.references
    ]


def to_export_schema(
    document: Document, paper: Paper, links: Mapping[int, str]
) -> paper_schemas.PaperExport:
    """Everything that is known of a document."""
    return paper_schemas.PaperExport(
        document=to_document_schema(document),
        pages=[
            paper_schemas.PageSize(number=one.number, width=one.width, height=one.height)
            for one in paper.pages
        ],
        sections=to_section_schemas(paper.sections),
        blocks=[
            paper_schemas.Block(
                kind=one.kind, text=one.text, section=one.section, boxes=_boxes(one.boxes)
            )
            for one in paper.blocks
        ],
        tables=to_table_schemas(paper),
        figures=to_figure_schemas(paper),
        references=to_reference_schemas(paper, links),
    )


def _to_cell_schema(cell: papers.Cell) -> str | paper_schemas.Cell:
    if cell.rowspan == cell.colspan == 1 and not cell.header:
        return cell.text
    return paper_schemas.Cell(
        text=cell.text, colspan=cell.colspan, rowspan=cell.rowspan, header=cell.header
    )


def _boxes(boxes: Iterable[papers.Box]) -> list[schemas.Rectangle]:
    return list(map(to_rectangle_schema, boxes))
