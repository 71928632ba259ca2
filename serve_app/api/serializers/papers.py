"""From what was read out of a paper to the shapes on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from domain import papers
from domain.documents import Document
from domain.papers import Paper, Section
from extraction.export import table_formats as tables
from serve_app.api.serializers.core import author_shape, box_shape, document_shape
from serve_app.schemas import core as schemas
from serve_app.schemas import papers as paper_schemas


def sections_shape(sections: Sequence[Section]) -> list[paper_schemas.Section]:
    """Headings and their places."""
    return [
        paper_schemas.Section(
            ordinal=one.ordinal,
            level=one.level,
            number=one.number,
            title=one.title,
            page=one.page,
            box=box_shape(one.box),
            role=one.role,
        )
        for one in sections
    ]


def tables_shape(paper: Paper) -> list[paper_schemas.Table]:
    """The tables of a paper."""
    return [
        paper_schemas.Table(
            number=one.number,
            label=one.label,
            caption=one.caption,
            page=one.page,
            box=box_shape(one.boxes[0]),
            boxes=_boxes(one.boxes),
            rows=[[_cell_shape(cell) for cell in row] for row in one.rows],
            markdown=tables.to_markdown(one),
            source=one.source,
            notes=one.notes,
        )
        for one in paper.tables
    ]


def figures_shape(paper: Paper) -> list[paper_schemas.Figure]:
    """The figures of a paper."""
    return [
        paper_schemas.Figure(
            number=one.number,
            label=one.label,
            caption=one.caption,
            page=one.page,
            box=box_shape(one.box),
        )
        for one in paper.figures
    ]


def references_shape(paper: Paper, links: Mapping[int, str]) -> list[paper_schemas.Reference]:
    """The bibliography of a paper; `links`: by ordinal, the document that an entry means."""
    names = ("ordinal", "raw", "page", "title", "venue", "year", "doi", "arxiv_id")
    return [
        paper_schemas.Reference(
            **{name: getattr(one, name) for name in names},
            authors=list(map(author_shape, one.authors)),
            document_id=links.get(one.ordinal),
        )
        for one in paper.references
    ]


def export_shape(
    document: Document, paper: Paper, links: Mapping[int, str]
) -> paper_schemas.PaperExport:
    """Everything that is known of a document."""
    return paper_schemas.PaperExport(
        document=document_shape(document),
        pages=[
            paper_schemas.PageSize(number=one.number, width=one.width, height=one.height)
            for one in paper.pages
        ],
        sections=sections_shape(paper.sections),
        blocks=[
            paper_schemas.Block(
                kind=one.kind, text=one.text, section=one.section, boxes=_boxes(one.boxes)
            )
            for one in paper.blocks
        ],
        tables=tables_shape(paper),
        figures=figures_shape(paper),
        references=references_shape(paper, links),
    )


def _cell_shape(cell: papers.Cell) -> str | paper_schemas.Cell:
    if cell.rowspan == cell.colspan == 1 and not cell.header:
        return cell.text
    return paper_schemas.Cell(
        text=cell.text, colspan=cell.colspan, rowspan=cell.rowspan, header=cell.header
    )


def _boxes(boxes: Iterable[papers.Box]) -> list[schemas.Rectangle]:
    return list(map(box_shape, boxes))
