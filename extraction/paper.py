"""Composes a `Paper` from the text lines, OCR results and layout of a PDF."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain

from domain.papers import Block, BlockKind, PageLoss, Paper, Quality
from extraction.citations.linked_identifiers import with_linked_identifiers
from extraction.layout import Layout
from extraction.metadata.metadata import find_metadata
from extraction.sideways import as_shown
from extraction.structure.compose import compose as compose_text
from extraction.structure.compose import in_order
from extraction.structure.cover import first_paper_page
from extraction.text.clean import clean_text
from extraction.text.columns import column_count
from extraction.text.lines import Line
from extraction.text.pdf import Reading
from extraction.text.text_layer import PageHealth

_FRONT_PAGES = 2  # pages that are searched for metadata


def compose(reading: Reading, layout: Layout | None = None) -> Paper:
    """Returns the paper with text, metadata, tables, figures and reading quality.

    Lines that belong to the tables and figures of `layout` are not in its blocks.
    """
    body = [layout.body_of(lines) for lines in reading.body] if layout else reading.body
    ordered = in_order(body)
    start = first_paper_page(ordered)
    front_pages = slice(start, start + _FRONT_PAGES)
    around = list(chain.from_iterable(reading.pages[front_pages]))
    front = list(chain.from_iterable(ordered[front_pages]))
    paper = compose_text(
        ordered, reading.sizes, clean_text(reading.file_metadata.get("title", "")), around
    )
    cover = list(chain.from_iterable(reading.pages[:start]))
    found = find_metadata(paper, front, reading.file_metadata, around, cover)
    paper = replace(
        paper,
        metadata=found.metadata,
        references=with_linked_identifiers(paper.references, paper.blocks, reading.links),
        blocks=_with_abstract(paper.blocks, found.abstract_blocks),
        quality=_quality(reading, ordered, layout),
    )
    if layout:
        paper = replace(paper, tables=layout.tables, figures=layout.figures)
    return as_shown(paper, reading.turns)


def _with_abstract(blocks: Sequence[Block], indexes: Sequence[int]) -> tuple[Block, ...]:
    abstract = set(indexes)
    return tuple(
        replace(block, kind=BlockKind.ABSTRACT)
        if index in abstract and block.kind is BlockKind.TEXT
        else block
        for index, block in enumerate(blocks)
    )


def _quality(reading: Reading, ordered: Sequence[list[Line]], layout: Layout | None) -> Quality:
    healthy = [health for health in reading.health if health is not None]
    characters = sum(health.characters for health in healthy)
    garbled = sum(health.characters * health.garbled_share for health in healthy)
    left = [number for number in reading.for_ocr if number not in reading.ocred]
    without_text = [number for number in reading.for_ocr if not reading.pages[number - 1]]
    return Quality(
        pages_read=sum(map(bool, reading.pages)),
        pages_ocred=reading.ocred,
        pages_failed=reading.failed,
        pages_without_text=tuple(without_text),
        garbled_share=garbled / characters if characters else 0.0,
        columns=column_count(list(chain.from_iterable(ordered))),
        layout_done=layout is not None,
        layout_pages=layout.model_pages if layout else (),
        pages_incomplete=tuple(number for number in left if reading.pages[number - 1]),
        unread_characters=_losses(reading, lambda health: health.unread),
        hidden_words=_losses(reading, lambda health: health.hidden_words),
        is_truncated=reading.is_truncated,
        pages_unchecked=reading.unchecked,
        annotations=tuple(
            PageLoss(number, health.annotations)
            for number, health in enumerate(reading.health, start=1)
            if health and health.annotations
        ),
    )


def _losses(reading: Reading, count: Callable[[PageHealth], int]) -> tuple[PageLoss, ...]:
    """What the pages lost whose text is that of their text layer, as a whole or in part."""
    return tuple(
        PageLoss(number, count(health))
        for number, health in enumerate(reading.health, start=1)
        if health and count(health) and (health.missing or number not in reading.ocred)
    )
