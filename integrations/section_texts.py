"""The text of a paper by section."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from domain.papers import BlockKind
from serve_app.schemas.papers import Block, PaperExport, Section

BEFORE_FIRST_HEADING = 0


@dataclass(frozen=True, slots=True)
class SectionText:
    """A section with its own text, which excludes that of its subsections.

    `number` counts the headings from 1 in reading order; 0 is the text before the first heading.
    `has_body` is false for a heading without text. `heading` contains the printed number.
    """

    number: int
    heading: str
    level: int
    page: int
    text: str
    has_body: bool


def section_texts(paper: PaperExport) -> list[SectionText]:
    """Returns the sections of a paper in reading order, abstract and references included."""
    blocks = defaultdict[int | None, list[Block]](list)
    for block in paper.blocks:
        blocks[block.section].append(block)
    front = [_front(blocks[None])] if blocks[None] else []
    return front + [_section(section, blocks[section.ordinal]) for section in paper.sections]


def whole_text(blocks: Iterable[Block]) -> str:
    """Returns the text of the blocks, separated by blank lines."""
    return "\n\n".join(block.text for block in blocks)


def _front(blocks: list[Block]) -> SectionText:
    page = next((box.page for block in blocks for box in block.boxes), 1)
    return SectionText(BEFORE_FIRST_HEADING, "", 1, page, whole_text(blocks), True)


def _section(section: Section, blocks: list[Block]) -> SectionText:
    return SectionText(
        number=section.ordinal + 1,
        heading=" ".join(filter(None, (section.number, section.title))),
        level=section.level,
        page=section.page,
        text=whole_text(blocks),
        has_body=any(block.kind is not BlockKind.HEADING for block in blocks),
    )
