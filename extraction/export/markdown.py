"""Exports a paper as GitHub Flavored Markdown in reading order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from domain.papers import Block, BlockKind, Box, Paper, Section, SectionRole, Table
from extraction.export import table_formats as tables
from extraction.export.escape import for_html, for_markdown, printable
from extraction.geometry import contains
from extraction.vocabulary.front_matter import ABSTRACT_LABEL

_MAX_HEADING_LEVEL = 6  # of Markdown
_TOLERANCE_POINTS = 2.0  # by which a cell's text may reach out of its table's box
_MIN_REPEATED_CHARACTERS = 60  # letters and digits of a paragraph that repeats the abstract
_MIN_FENCE = 3  # backticks
_FENCED = (BlockKind.EQUATION, BlockKind.CODE)
_PROSE = (BlockKind.TEXT, BlockKind.ABSTRACT, BlockKind.FOOTNOTE)


def to_markdown(paper: Paper) -> str:
    """Returns the paper as Markdown that ends with a line feed.

    The order is: title, authors, abstract; headings, paragraphs, tables, figure captions, equations
    and code in reading order; footnotes and references. A table is a GitHub table, or HTML where
    that format cannot represent it. Margin notes are left out. All text of the paper is escaped, so
    it contributes no markup, links or HTML.
    """
    body = _Body(paper)
    parts = [*_front(paper), *body.parts()]
    if body.footnotes:
        parts += ["## Notes", _bullets(body.footnotes)]
    if paper.references and not body.has_printed_references:
        parts += ["## References", _references(paper)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front(paper: Paper) -> Iterator[str]:
    metadata = paper.metadata
    title = metadata.title or paper.title
    if title:
        yield f"# {_heading_text(title)}"
    if metadata.authors:
        yield for_markdown(", ".join(_given_name_first(author.name) for author in metadata.authors))
    if metadata.abstract:
        yield "## Abstract"
        yield for_markdown(metadata.abstract)


def _given_name_first(name: str) -> str:
    family, comma, given = name.partition(", ")
    return f"{given} {family}" if comma else name


class _Body:
    """Converts the blocks in one pass; collects the footnotes."""

    def __init__(self, paper: Paper) -> None:
        self.paper = paper
        self.footnotes: list[str] = []
        self.has_printed_references = False
        self._tables = list(paper.tables)
        self._figures = list(paper.figures)
        self._regions = [box for table in paper.tables for box in table.boxes]
        self._regions += [figure.box for figure in paper.figures]
        self._abstract = _plain(paper.metadata.abstract)
        self._other_abstracts: set[int] = set()  # the sections of those in other languages
        self._titles = {_plain(paper.title), _plain(paper.metadata.title)} - {""}

    def parts(self) -> Iterator[str]:
        blocks = self.paper.blocks
        for block, following in zip_longest(blocks, blocks[1:]):
            page = block.boxes[0].page if block.boxes else 0
            yield from self._uncaptioned(before_page=page)
            if not self._heads_front(block, following):
                yield from self._block(block)
        yield from self._uncaptioned(before_page=None)

    def _block(self, block: Block) -> Iterator[str]:
        if block.kind is BlockKind.HEADING:
            yield self._heading(block)
        elif block.kind is BlockKind.CAPTION:
            yield from self._caption(block)
        elif block.kind is BlockKind.REFERENCE:
            if self.paper.references and not self.has_printed_references:
                self.has_printed_references = True
                yield _references(self.paper)
        elif block.kind in _FENCED:
            yield _fenced(block.text)
        elif block.kind in _PROSE and (text := self._new_text(block)):
            if block.kind is BlockKind.FOOTNOTE:
                self.footnotes.append(text)
            elif not self._is_inside_a_region(block):
                yield for_markdown(text)

    def _heads_front(self, block: Block, following: Block | None) -> bool:
        """True for the printed title, and for a heading of the abstract."""
        section = self._section(block)
        is_heading = block.kind is BlockKind.HEADING
        if (section is None or is_heading) and _plain(block.text) in self._titles:
            return True
        if not (self._abstract and is_heading and section):
            return False
        heads_abstract = following is not None and following.kind is BlockKind.ABSTRACT
        if heads_abstract and following and self._new_text(following):  # in another language
            self._other_abstracts.add(section.ordinal)
            return False
        if section.role is SectionRole.ABSTRACT:
            return True
        return heads_abstract and bool(ABSTRACT_LABEL.fullmatch(section.title))

    def _new_text(self, block: Block) -> str:
        """Returns the text of a paragraph without what it repeats of the abstract."""
        section = self._section(block)
        if not self._abstract:
            return block.text
        if block.kind is BlockKind.ABSTRACT:
            is_label = ABSTRACT_LABEL.fullmatch(block.text)
            return "" if is_label else _without(self._abstract, block.text, min_length=1)
        if section and section.role is SectionRole.ABSTRACT and block.kind is BlockKind.TEXT:
            return block.text if section.ordinal in self._other_abstracts else ""
        if section is None or section.ordinal == 0:
            return _without(self._abstract, block.text, min_length=_MIN_REPEATED_CHARACTERS)
        return block.text

    def _section(self, block: Block) -> Section | None:
        sections = self.paper.sections
        if block.section is None or block.section >= len(sections):
            return None
        return sections[block.section]

    def _heading(self, block: Block) -> str:
        section = self._section(block)
        if section is None:
            return f"## {_heading_text(block.text)}"
        marks = "#" * min(_MAX_HEADING_LEVEL, section.level + 1)
        text = f"{section.number} {section.title}" if section.number else section.title
        return f"{marks} {_heading_text(text)}"

    def _caption(self, block: Block) -> Iterator[str]:
        page = block.boxes[0].page if block.boxes else 0
        for table in self._tables:
            if _is_labelled(block, table.label) and any(box.page == page for box in table.boxes):
                self._tables.remove(table)
                yield from _table(table)
                return
        for figure in self._figures:
            if figure.page == page and _is_labelled(block, figure.label):
                self._figures.remove(figure)
                break
        yield _emphasised(block.text)

    def _uncaptioned(self, before_page: int | None) -> Iterator[str]:
        """Yields tables and figures of earlier pages whose caption is not among the blocks."""
        for found in [*self._tables, *self._figures]:
            if before_page is not None and found.page >= before_page:
                continue
            if isinstance(found, Table):
                self._tables.remove(found)
                yield from _table(found)
            else:
                self._figures.remove(found)
                yield _emphasised(tables.full_caption(found))

    def _is_inside_a_region(self, block: Block) -> bool:
        """True for text of a table's cells or of a figure's labels."""
        return bool(block.boxes) and all(
            any(_is_inside(box, region) for region in self._regions) for box in block.boxes
        )


def _without(abstract: str, text: str, min_length: int) -> str:
    """Returns the text without its part of the abstract and the label before it.

    `abstract` holds letters and digits only (`_plain`), so spaces and hyphens may differ. Common
    parts of fewer than `min_length` letters and digits remain.
    """
    start, end = _common_part(_plain(text), abstract)
    if end - start < min_length:
        return text
    offsets = [at for at, letter in enumerate(text) for _ in _plain(letter)]
    before, after = text[: offsets[start]], text[offsets[end - 1] + 1 :]
    for label in ABSTRACT_LABEL.finditer(before):
        if label.end() == len(before):
            before = before[: label.start()]
    rest = f"{before} {after.lstrip(' .')}"
    return rest if _plain(rest) else ""


def _common_part(text: str, abstract: str) -> tuple[int, int]:
    """Returns the range of `text` that is in `abstract`: all of it, or the whole abstract, or its
    beginning at the end of the text, or its end at the beginning. (0, 0) if there is none."""
    if text in abstract:
        return 0, len(text)
    if (start := text.find(abstract)) >= 0:
        return start, start + len(abstract)
    start = text.find(abstract[:_MIN_REPEATED_CHARACTERS])
    if start >= 0 and abstract.startswith(text[start:]):
        return start, len(text)
    end = text.rfind(abstract[-_MIN_REPEATED_CHARACTERS:]) + _MIN_REPEATED_CHARACTERS
    return (0, end) if abstract.endswith(text[:end]) and end <= len(text) else (0, 0)


def _is_inside(box: Box, region: Box) -> bool:
    return box.page == region.page and contains(region, box, _TOLERANCE_POINTS)


def _is_labelled(block: Block, label: str | None) -> bool:
    if not label:
        return False
    found, wanted = _plain(block.text), _plain(label)
    return found.startswith(wanted) and not found[len(wanted) : len(wanted) + 1].isdigit()


def _table(table: Table) -> Iterator[str]:
    """Yields caption, cells and notes; an HTML table contains caption and notes already."""
    cells = tables.to_markdown(table)
    if cells.startswith("<table>"):
        yield cells
        return
    yield _emphasised(tables.full_caption(table))
    yield cells
    if table.notes:
        yield for_markdown(table.notes)


def _emphasised(text: str) -> str:
    """The caption in italics, as HTML: * and _ fail next to spaces and punctuation."""
    return f"<em>{for_html(text)}</em>" if printable(text) else ""


def _fenced(text: str) -> str:
    """The lines unchanged between fences that are longer than any in them."""
    kept = "\n".join(printable(line) for line in text.splitlines())
    longest = max((len(run) for run in re.findall(r"`+", kept)), default=0)
    fence = "`" * max(_MIN_FENCE, longest + 1)
    return f"{fence}\n{kept}\n{fence}"


def _heading_text(text: str) -> str:
    return for_markdown(text).rstrip("# ") or "\\#"


def _references(paper: Paper) -> str:
    return _bullets([reference.raw for reference in paper.references])


def _bullets(texts: Sequence[str]) -> str:
    return "\n".join(f"- {for_markdown(text)}" for text in texts)


def _plain(text: str | None) -> str:
    return re.sub(r"[\W_]+", "", (text or "").casefold())
