"""What of a paper may share a chunk: blocks of one section and kind, one table, one figure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from domain.documents import ChunkKind
from domain.papers import Block, BlockKind, Cell, Figure, Paper, Section, Table
from pipelines.chunking.sentences import sentence_starts

CountTokens = Callable[[Sequence[str]], list[int]]

PATH_SEPARATOR = " > "
CELL_SEPARATOR = " | "
_HEAD_SHARE = 0.5  # of a table chunk, for caption and header rows
_MENTION_CHARACTERS = 400
_WORD = re.compile(r"[^\W\d_]{2}")
_KINDS = {BlockKind.REFERENCE: ChunkKind.REFERENCE, BlockKind.ABSTRACT: ChunkKind.ABSTRACT}


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbouring blocks that may share a chunk; `section` is the path of titles."""

    kind: ChunkKind
    section: str | None
    blocks: tuple[Block, ...]


def groups_of(paper: Paper, count_tokens: CountTokens, room: int) -> list[Group]:
    """The text in reading order, then each table and each figure.

    `room` is what a chunk holds in tokens, beside its context; a larger table is several groups.
    """
    paths = section_paths(paper.sections)
    return [
        *_text_groups(paper, paths),
        *(
            group
            for table in paper.tables
            for group in _table_groups(table, paper, paths, count_tokens, room)
        ),
        *(_figure_group(figure, paper, paths) for figure in paper.figures),
    ]


def section_paths(sections: Sequence[Section]) -> list[str]:
    """For each section the titles from the top down to it: "Methods > Data"."""
    paths: list[str] = []
    open_ones: list[Section] = []
    for section in sections:
        while open_ones and open_ones[-1].level >= section.level:
            open_ones.pop()
        open_ones.append(section)
        paths.append(PATH_SEPARATOR.join(one.title for one in open_ones))
    return paths


def _text_groups(paper: Paper, paths: Sequence[str]) -> list[Group]:
    """Headings, and blocks without a word, only when there is nothing else."""
    body = [block for block in paper.blocks if block.kind is not BlockKind.ASIDE]
    useful = [b for b in body if b.kind is not BlockKind.HEADING and _WORD.search(b.text)]
    blocks = useful or [block for block in paper.blocks if block.text.strip()]
    return [
        Group(kind, None if section is None else paths[section], tuple(some))
        for (section, kind, _), some in groupby(sorted(blocks, key=_notes_last), key=_share)
    ]


def _notes_last(block: Block) -> tuple[int, bool]:
    """Footnotes stand behind the text of their section, which goes on over the end of a page."""
    section = -1 if block.section is None else block.section
    return section, block.kind is BlockKind.FOOTNOTE


def _share(block: Block) -> tuple[int | None, ChunkKind, bool]:
    kind = _KINDS.get(block.kind, ChunkKind.TEXT)
    return block.section, kind, block.kind is BlockKind.FOOTNOTE


def _table_groups(
    table: Table, paper: Paper, paths: Sequence[str], count: CountTokens, room: int
) -> Iterator[Group]:
    mention = _mention(table.label, paper)
    section = _path(mention[0], paths) if mention else None
    for text in table_texts(table, count, room):
        block = Block(BlockKind.TEXT, text, table.boxes)
        yield Group(ChunkKind.TABLE, section, (block,))


def _figure_group(figure: Figure, paper: Paper, paths: Sequence[str]) -> Group:
    """The caption, and the sentence that speaks of the figure."""
    mention = _mention(figure.label, paper)
    said = " ".join(filter(None, (_named(figure.label), figure.caption))) or "Figure"
    texts = [said, mention[1]] if mention else [said]
    blocks = tuple(Block(BlockKind.CAPTION, text, (figure.box,)) for text in texts)
    section = _path(mention[0], paths) if mention else None
    return Group(ChunkKind.FIGURE, section, blocks)


def table_texts(table: Table, count: CountTokens, room: int) -> list[str]:
    """The table as lines of cells, in parts of about `room` tokens, each with caption and header.

    A caption that leaves no room for rows is cut; rows never are.
    """
    said = " ".join(filter(None, (_named(table.label), table.caption)))
    split = _header_rows(table.rows)
    header = [_line(row) for row in table.rows[:split]]
    rows = [line for line in map(_line, table.rows[split:]) if line]
    notes = [table.notes] if table.notes else []
    head = _shortened([*filter(None, [said]), *header], count, int(room * _HEAD_SHARE))
    parts = _packed([*rows, *notes], count, room - sum(count(head) if head else []))
    return ["\n".join([*head, *part]) for part in parts] or ["\n".join(head) or "Table"]


def _header_rows(rows: Sequence[Sequence[Cell]]) -> int:
    """Number of rows at the top of which every cell is a header."""
    for number, row in enumerate(rows):
        if not row or not all(cell.header for cell in row):
            return number
    return 0


def _line(row: Sequence[Cell]) -> str:
    texts = [" ".join(cell.text.split()) for cell in row]
    return CELL_SEPARATOR.join(texts) if any(texts) else ""


def _shortened(lines: list[str], count: CountTokens, room: int) -> list[str]:
    """The lines, the first of them cut to its first words where they take more than `room`."""
    if not lines or sum(count(lines)) <= room:
        return lines
    words = lines[0].split()
    while len(words) > 8 and sum(count([" ".join(words), *lines[1:]])) > room:
        words = words[: max(8, len(words) * 3 // 4)]
    return [" ".join(words), *lines[1:]]


def _packed(lines: Sequence[str], count: CountTokens, room: int) -> list[list[str]]:
    parts: list[list[str]] = []
    taken = 0
    for line, tokens in zip(lines, count(lines) if lines else [], strict=True):
        if not parts or taken + tokens > room:
            parts.append([])
            taken = 0
        parts[-1].append(line)
        taken += tokens
    return parts


def _named(label: str | None) -> str | None:
    return f"{label.rstrip('.:')}." if label else None


def _path(block: Block, paths: Sequence[str]) -> str | None:
    return None if block.section is None else paths[block.section]


def _mention(label: str | None, paper: Paper) -> tuple[Block, str] | None:
    """The first paragraph that names the table or figure, and the sentence that does."""
    pattern = _mention_pattern(label)
    if pattern is None:
        return None
    for block in paper.blocks:
        found = pattern.search(block.text) if block.kind is BlockKind.TEXT else None
        if found:
            return block, _sentence_at(block.text, found.start())
    return None


def _mention_pattern(label: str | None) -> re.Pattern[str] | None:
    """Matches "Figure 3", "Fig. 3", "Figs. 3" for the label "Fig 3"; not "Figure 31"."""
    number = re.search(r"[A-Z]{0,2}\d+(?:\.\d+)?|(?<![IVX])[IVX]+$", label or "")
    if label is None or number is None:
        return None
    word = re.escape(label[:3])
    return re.compile(rf"\b{word}\w*\.?\s*{re.escape(number[0])}(?!\d)", re.IGNORECASE)


def _sentence_at(text: str, place: int) -> str:
    starts = sentence_starts(text)
    start = max(one for one in starts if one <= place)
    end = min((one for one in starts if one > place), default=len(text))
    return text[start:end].strip()[:_MENTION_CHARACTERS]
