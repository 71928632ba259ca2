"""Builds the text of a `Paper` from the lines of a PDF: combines the parts of this package."""

from __future__ import annotations

from collections.abc import Container, Sequence

from domain.papers import Block, BlockKind, Box, PageSize, Paper, Reference, Section
from extraction.citations.parse import parse_reference
from extraction.structure.cover import first_paper_page
from extraction.structure.footnotes import mark_asides, mark_footnotes, with_notes, without_notes
from extraction.structure.headings import mark_headings
from extraction.structure.references import split_references
from extraction.structure.roles import with_roles
from extraction.structure.run_in_headings import without_run_in_headings
from extraction.structure.title import find_title
from extraction.text.clean import join_lines, join_listing, missing_h_pattern, words_of
from extraction.text.lines import Line
from extraction.text.order import in_reading_order
from extraction.text.page_metrics import DocumentMetrics
from extraction.text.paragraphs import Paragraph, merge_broken, paragraphs
from extraction.text.spaced_letters import join_spaced_lines


def compose(
    ordered: Sequence[list[Line]],
    sizes: Sequence[PageSize],
    stated_title: str = "",
    front_lines: Sequence[Line] = (),
) -> Paper:
    """Returns the paper that the lines of these pages print: title, blocks, sections and
    references.

    The lines of each page are in reading order. `stated_title` is the title in the file's metadata,
    used as evidence only. `front_lines` are the lines of the first pages with headers and footers.
    """
    lines = [line for page in ordered for line in page]
    _restore_missing_h(lines)
    join_spaced_lines(lines)
    metrics = DocumentMetrics(lines)
    first = ordered[first_paper_page(ordered)] if ordered else []
    first = first or next((page for page in ordered if page), [])
    title, title_lines = (
        find_title(first, sizes[first[0].page - 1], stated_title, front_lines)
        if first
        else (None, [])
    )
    all_paragraphs = without_run_in_headings(paragraphs(lines, metrics), metrics)
    mark_asides(all_paragraphs, metrics, title_lines)
    mark_headings(all_paragraphs, metrics, title_lines)
    mark_footnotes(all_paragraphs, metrics, sizes)
    body, notes = without_notes(all_paragraphs)
    body = merge_broken(split_references(body))
    words = words_of(line.text for line in lines)
    sections = _sections(body, words)
    blocks = tuple(_block(paragraph, words) for paragraph in with_notes(body, notes))
    return Paper(title, tuple(sizes), blocks, sections, _references(blocks))


def _restore_missing_h(lines: Sequence[Line]) -> None:
    missing = missing_h_pattern([line.text for line in lines])
    if missing is not None:
        for line in lines:
            line.text, line.lead = missing.sub("Th", line.text), missing.sub("Th", line.lead)


def in_order(pages: Sequence[list[Line]]) -> list[list[Line]]:
    """Returns the lines of each page in reading order."""
    ordered: list[list[Line]] = []
    gutter: float | None = None
    for lines in pages:
        page_in_order, gutter = in_reading_order(lines, gutter)
        ordered.append(page_in_order)
    return ordered


def _sections(all_paragraphs: Sequence[Paragraph], words: Container[str]) -> tuple[Section, ...]:
    """Returns the sections, in order; sets each paragraph's `section`."""
    sections: list[Section] = []
    for paragraph in all_paragraphs:
        if paragraph.kind is BlockKind.HEADING:
            text = join_lines([line.text for line in paragraph.lines], words)[0]
            number = paragraph.number
            title = text[len(number) :].lstrip(".)| ") if number else text
            box = _boxes_of_pieces(paragraph.lines, [line.box for line in paragraph.lines])[0]
            sections.append(
                Section(len(sections), paragraph.level, number, title.rstrip(" .:"), box.page, box)
            )
        paragraph.section = len(sections) - 1 if sections else None
    return with_roles(sections)


def _block(paragraph: Paragraph, words: Container[str]) -> Block:
    if paragraph.kind is BlockKind.CODE:
        text, starts = join_listing([(line.x0, line.size, line.text) for line in paragraph.lines])
    else:
        text, starts = join_lines([line.text for line in paragraph.lines], words)
    boxes = [line.box for line in paragraph.lines]
    places = tuple(zip(starts, boxes, strict=True))
    pieces = _boxes_of_pieces(paragraph.lines, boxes)
    return Block(paragraph.kind, text, pieces, paragraph.section, places)


def _boxes_of_pieces(lines: Sequence[Line], boxes: Sequence[Box]) -> tuple[Box, ...]:
    """Returns one bounding box for each column piece that the lines with these boxes stand in."""
    pieces: dict[tuple[int, int], Box] = {}
    for line, box in zip(lines, boxes, strict=True):
        key = line.page, line.part
        pieces[key] = pieces[key].joined(box) if key in pieces else box
    return tuple(pieces.values())


def _references(blocks: Sequence[Block]) -> tuple[Reference, ...]:
    entries = [block for block in blocks if block.kind is BlockKind.REFERENCE]
    found: list[Reference] = []
    for ordinal, block in enumerate(entries):
        authors_before = found[-1].authors if found else ()
        found.append(parse_reference(ordinal, block.text, block.boxes[0].page, authors_before))
    return tuple(found)
