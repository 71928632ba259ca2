"""Groups a paper's content into units that may share a chunk.

A unit is the blocks of one section and kind, one table, or one figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from domain.documents import ChunkKind
from domain.papers import Block, BlockKind, Cell, Figure, Paper, Section, Table
from pipelines.chunking.sentences import sentence_starts
from pipelines.chunking.tokens import CountTokens

PATH_SEPARATOR = " > "
CELL_SEPARATOR = " | "
_HEAD_SHARE = 0.5  # of a table's chunk, for caption and header rows
_MIN_CAPTION_WORDS = 8  # that are kept of a caption that is too long
_MAX_MENTION_CHARACTERS = 400  # of the sentence that mentions a table or figure
_WORD = re.compile(r"[^\W\d_]{2}")
_KINDS = {BlockKind.REFERENCE: ChunkKind.REFERENCE, BlockKind.ABSTRACT: ChunkKind.ABSTRACT}


@dataclass(frozen=True, slots=True)
class Group:
    """Blocks that may share a chunk; `section` is the path of section titles."""

    kind: ChunkKind
    section: str | None
    blocks: tuple[Block, ...]


def groups_of(paper: Paper, count_tokens: CountTokens, capacity: int) -> list[Group]:
    """Returns the groups of the text in reading order, then each table and each figure.

    `capacity` is a chunk's size in tokens without its context; a larger table is several groups.
    """
    paths = section_paths(paper.sections)
    return [
        *_text_groups(paper, paths),
        *(
            group
            for table in paper.tables
            for group in _table_groups(table, paper, paths, count_tokens, capacity)
        ),
        *(_figure_group(figure, paper, paths) for figure in paper.figures),
    ]


def section_paths(sections: Sequence[Section]) -> list[str]:
    """Returns the path of titles from the top to each section: "Methods > Data"."""
    paths: list[str] = []
    ancestors: list[Section] = []
    for section in sections:
        while ancestors and ancestors[-1].level >= section.level:
            ancestors.pop()
        ancestors.append(section)
        paths.append(PATH_SEPARATOR.join(ancestor.title for ancestor in ancestors))
    return paths


def _text_groups(paper: Paper, paths: Sequence[str]) -> list[Group]:
    """The groups of the text; headings and blocks without a word only if there is nothing else."""
    body = [block for block in paper.blocks if block.kind is not BlockKind.ASIDE]
    useful = [b for b in body if b.kind is not BlockKind.HEADING and _WORD.search(b.text)]
    blocks = useful or [block for block in paper.blocks if block.text.strip()]
    return [
        Group(kind, None if section is None else paths[section], tuple(members))
        for (section, kind, _), members in groupby(
            sorted(blocks, key=_footnotes_last), key=_group_key
        )
    ]


def _footnotes_last(block: Block) -> tuple[int, bool]:
    """The sort key that puts footnotes behind the text of their section, which may span pages."""
    section = -1 if block.section is None else block.section
    return section, block.kind is BlockKind.FOOTNOTE


def _group_key(block: Block) -> tuple[int | None, ChunkKind, bool]:
    kind = _KINDS.get(block.kind, ChunkKind.TEXT)
    return block.section, kind, block.kind is BlockKind.FOOTNOTE


def _table_groups(
    table: Table, paper: Paper, paths: Sequence[str], count: CountTokens, capacity: int
) -> Iterator[Group]:
    mention = _mention(table.label, paper)
    section = _path(mention[0], paths) if mention else None
    for text in table_texts(table, count, capacity):
        block = Block(BlockKind.TEXT, text, table.boxes)
        yield Group(ChunkKind.TABLE, section, (block,))


def _figure_group(figure: Figure, paper: Paper, paths: Sequence[str]) -> Group:
    """The figure's caption, and the sentence that mentions the figure."""
    mention = _mention(figure.label, paper)
    caption = " ".join(filter(None, (_label_prefix(figure.label), figure.caption))) or "Figure"
    texts = [caption, mention[1]] if mention else [caption]
    blocks = tuple(Block(BlockKind.CAPTION, text, (figure.box,)) for text in texts)
    section = _path(mention[0], paths) if mention else None
    return Group(ChunkKind.FIGURE, section, blocks)


def table_texts(table: Table, count: CountTokens, capacity: int) -> list[str]:
    """Returns the table as lines of cells, in parts of about `capacity` tokens.

    Each part has the caption and the header. A caption that leaves no space for rows is cut; rows
    are never cut.
    """
    caption = " ".join(filter(None, (_label_prefix(table.label), table.caption)))
    split = _header_rows(table.rows)
    header = [_line(row) for row in table.rows[:split]]
    rows = [line for line in map(_line, table.rows[split:]) if line]
    notes = [table.notes] if table.notes else []
    head = _shortened([*filter(None, [caption]), *header], count, int(capacity * _HEAD_SHARE))
    parts = _packed([*rows, *notes], count, capacity - sum(count(head) if head else []))
    return ["\n".join([*head, *part]) for part in parts] or ["\n".join(head) or "Table"]


def _header_rows(rows: Sequence[Sequence[Cell]]) -> int:
    """The number of rows at the top with header cells only; 0 if all rows are such."""
    for number, row in enumerate(rows):
        if not row or not all(cell.header for cell in row):
            return number
    return 0


def _line(row: Sequence[Cell]) -> str:
    texts = [" ".join(cell.text.split()) for cell in row]
    return CELL_SEPARATOR.join(texts) if any(texts) else ""


def _shortened(lines: list[str], count: CountTokens, limit: int) -> list[str]:
    """The lines, the first one cut to its first words if they take more than `limit` tokens."""
    if not lines or sum(count(lines)) <= limit:
        return lines
    words = lines[0].split()
    while len(words) > _MIN_CAPTION_WORDS and sum(count([" ".join(words), *lines[1:]])) > limit:
        words = words[: max(_MIN_CAPTION_WORDS, len(words) * 3 // 4)]
    return [" ".join(words), *lines[1:]]


def _packed(lines: Sequence[str], count: CountTokens, limit: int) -> list[list[str]]:
    """The lines in runs of at most `limit` tokens; a longer line is a run by itself."""
    parts: list[list[str]] = []
    taken = 0
    for line, tokens in zip(lines, count(lines) if lines else [], strict=True):
        if not parts or taken + tokens > limit:
            parts.append([])
            taken = 0
        parts[-1].append(line)
        taken += tokens
    return parts


def _label_prefix(label: str | None) -> str | None:
    return f"{label.rstrip('.:')}." if label else None


def _path(block: Block, paths: Sequence[str]) -> str | None:
    return None if block.section is None else paths[block.section]


def _mention(label: str | None, paper: Paper) -> tuple[Block, str] | None:
    """The first paragraph that mentions the table or figure, and the sentence that does."""
    pattern = _mention_pattern(label)
    if pattern is None:
        return None
    for block in paper.blocks:
        found = pattern.search(block.text) if block.kind is BlockKind.TEXT else None
        if found:
            return block, _sentence_at(block.text, found.start())
    return None


def _mention_pattern(label: str | None) -> re.Pattern[str] | None:
    """The pattern that finds "Figure 3", "Fig. 3", "Figs. 3" for the label "Fig 3"."""
    number = re.search(r"[A-Z]{0,2}\d+(?:\.\d+)?|(?<![IVX])[IVX]+$", label or "")
    if label is None or number is None:
        return None
    word = re.escape(label[:3])
    return re.compile(rf"\b{word}\w*\.?\s*{re.escape(number[0])}(?!\d)", re.IGNORECASE)


def _sentence_at(text: str, offset: int) -> str:
    starts = sentence_starts(text)
    start = max(other for other in starts if other <= offset)
    end = min((other for other in starts if other > offset), default=len(text))
    return text[start:end].strip()[:_MAX_MENTION_CHARACTERS]
