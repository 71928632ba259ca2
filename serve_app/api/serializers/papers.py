"""Serializers of the extracted content of a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.documents import Document
from domain.papers import Cell, Paper, Section, Table
from extraction.export.table_formats import to_markdown
from serve_app.api.serializers.core import to_document_schema
from serve_app.schemas import papers as schemas


def to_section_schemas(sections: Sequence[Section]) -> list[schemas.Section]:
    """Returns the headings with their positions."""
    return list(map(schemas.Section.model_validate, sections))


def to_table_schemas(paper: Paper) -> list[schemas.Table]:
    """Returns the tables of a paper."""
    return list(map(_to_table_schema, paper.tables))


def to_figure_schemas(paper: Paper) -> list[schemas.Figure]:
    """Returns the figures of a paper."""
    return list(map(schemas.Figure.model_validate, paper.figures))


def to_reference_schemas(paper: Paper, links: Mapping[int, str]) -> list[schemas.Reference]:
    """Returns the bibliography of a paper; `links` maps ordinals of entries to document ids."""
    entries = list(map(schemas.Reference.model_validate, paper.references))
    for entry in entries:
        entry.document_id = links.get(entry.ordinal)
    return entries


def to_export_schema(
    document: Document, paper: Paper, links: Mapping[int, str]
) -> schemas.PaperExport:
    """Returns a document with all its extracted content."""
    return schemas.PaperExport(
        document=to_document_schema(document),
        pages=list(paper.pages),
        sections=to_section_schemas(paper.sections),
        blocks=list(map(schemas.Block.model_validate, paper.blocks)),
        tables=to_table_schemas(paper),
        figures=to_figure_schemas(paper),
        references=to_reference_schemas(paper, links),
    )


def _to_table_schema(table: Table) -> schemas.Table:
    return schemas.Table.model_validate(
        {
            "number": table.number,
            "label": table.label,
            "caption": table.caption,
            "page": table.page,
            "box": table.boxes[0],
            "boxes": table.boxes,
            "rows": [[_to_cell_schema(cell) for cell in row] for row in table.rows],
            "markdown": to_markdown(table),
            "source": table.source,
            "notes": table.notes,
        }
    )


def _to_cell_schema(cell: Cell) -> str | Cell:
    """Returns the text of a plain cell, or the cell itself if it is a header or a span."""
    is_plain = cell.rowspan == cell.colspan == 1 and not cell.header
    return cell.text if is_plain else cell
