"""Grouping for chunks: sections with their path, tables with their header, figures."""

from __future__ import annotations

from domain.documents import Chunk, ChunkKind
from domain.papers import (
    Block,
    BlockKind,
    Box,
    Cell,
    Figure,
    PageSize,
    Paper,
    Section,
    Table,
    TableSource,
)
from pipelines.chunking.chunk import split_paper
from pipelines.chunking.groups import section_paths, table_texts
from tests.fakes.counted_tokens import WordTokenizer

WORDS = WordTokenizer()
BOX = Box(1, 10, 10, 200, 30)
TABLE_BOX = Box(2, 50, 100, 300, 260)


def block(text: str, kind: BlockKind = BlockKind.TEXT, section: int | None = 0) -> Block:
    return Block(kind, text, (BOX,), section)


def section(ordinal: int, title: str, level: int = 1) -> Section:
    return Section(ordinal, level, None, title, 1, BOX)


def row(*texts: str, header: bool = False) -> tuple[Cell, ...]:
    return tuple(Cell(text, header=header) for text in texts)


def table(rows: int, caption: str = "Yields by year") -> Table:
    body = [row(f"Year {n}", f"{n}.5") for n in range(rows)]
    cells = (row("Year", "Yield", header=True), *body)
    return Table(1, "Table 2", caption, (TABLE_BOX,), cells, TableSource.ALIGNED, "a: in tonnes")


def paper(*blocks: Block, **more: object) -> Paper:
    sections = (section(0, "Methods"), section(1, "Data", 2), section(2, "Results"))
    return Paper("On yields", (PageSize(1, 600, 800),), blocks, sections, **more)  # pyright: ignore[reportArgumentType]


def split(of: Paper, max_tokens: int = 60) -> list[Chunk]:
    chunks, _ = split_paper(
        of, document_id="doc_1", version=1, tokenizer=WORDS, max_tokens=max_tokens
    )
    return chunks


def test_section_paths_name_ancestors() -> None:
    sections = [section(0, "Methods"), section(1, "Data", 2), section(2, "Results")]
    assert section_paths(sections) == ["Methods", "Methods > Data", "Results"]


def test_chunk_section_is_path() -> None:
    (chunk,) = split(paper(block("Field data of ten years.", section=1)))
    assert chunk.section == "Methods > Data"


def test_groups_abstract_has_own_kind() -> None:
    chunks = split(paper(block("We measured.", BlockKind.ABSTRACT, None), block("In the field.")))
    assert [chunk.kind for chunk in chunks] == [ChunkKind.ABSTRACT, ChunkKind.TEXT]


def test_groups_put_footnotes_last_and_drop_asides() -> None:
    chunks = split(
        paper(
            block("The first half of"),
            block("A note at the foot.", BlockKind.FOOTNOTE),
            block("Received 1 May 2020.", BlockKind.ASIDE),
            block("a long sentence."),
        )
    )
    assert [chunk.text for chunk in chunks] == [
        "The first half of\na long sentence.",
        "A note at the foot.",
    ]


def test_table_chunk_has_caption_header_rows_and_box() -> None:
    (chunk,) = split(paper(tables=(table(2),)))
    assert chunk.kind == ChunkKind.TABLE
    assert chunk.text == (
        "Table 2. Yields by year\nYear | Yield\nYear 0 | 0.5\nYear 1 | 1.5\na: in tonnes"
    )
    assert chunk.boxes == (TABLE_BOX,)


def test_table_chunks_repeat_caption_and_header() -> None:
    chunks = split(paper(tables=(table(30),)))
    assert len(chunks) > 2
    assert all(chunk.text.startswith("Table 2. Yields by year\nYear | Yield\n") for chunk in chunks)
    assert all(chunk.tokens <= 60 for chunk in chunks)
    rows = [line for chunk in chunks for line in chunk.text.split("\n")[2:]]
    assert rows == [*(f"Year {n} | {n}.5" for n in range(30)), "a: in tonnes"]


def test_table_chunk_shortens_long_caption() -> None:
    texts = table_texts(table(3, "word " * 300), WORDS.count, 60)
    assert "Year 2 | 2.5" in texts[-1]
    assert all(WORDS.count([text])[0] < 100 for text in texts)


def test_table_chunk_without_rows_is_caption() -> None:
    empty = Table(1, "Table 1", "A picture", (TABLE_BOX,), (), TableSource.LAYOUT)
    assert table_texts(empty, WORDS.count, 50) == ["Table 1. A picture"]


def test_figure_chunk_has_caption_and_mention() -> None:
    figure = Figure(1, "Figure 3", "The field from above.", Box(2, 0, 0, 9, 9))
    said = block("We went out. The field (Fig. 3) is wide. Nothing grew.", section=2)
    other = block("See Fig. 31 for another one.")
    chunks = split(paper(other, said, figures=(figure,)))
    (chunk,) = [chunk for chunk in chunks if chunk.kind == ChunkKind.FIGURE]
    assert chunk.text == "Figure 3. The field from above.\nThe field (Fig. 3) is wide."
    assert chunk.section == "Results"
    assert chunk.boxes == (figure.box,)


def test_figure_chunk_without_mention_has_no_section() -> None:
    figure = Figure(1, None, None, Box(1, 0, 0, 9, 9))
    (chunk,) = split(paper(figures=(figure,)))
    assert (chunk.text, chunk.section) == ("Figure", None)
