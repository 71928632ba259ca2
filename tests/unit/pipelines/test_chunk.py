"""Chunks fit the model, stay within a section, and have the boxes of their lines."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.documents import Chunk, ChunkKind
from domain.papers import Block, BlockKind, Box, PageSize, Paper, Section
from pipelines.chunking.chunk import split_paper
from pipelines.chunking.sentences import sentence_starts
from pipelines.chunking.tokens import ChunkTokenizer
from tests.fakes.counted_tokens import CharacterTokenizer, WordTokenizer

WORDS, CHARACTERS = WordTokenizer(), CharacterTokenizer()
PAGE = (PageSize(1, 600, 800),)


def box(number: int, page: int = 1) -> Box:
    return Box(page, 10.0, 20.0 * number, 200.0, 20.0 * number + 12)


def section(ordinal: int, title: str) -> Section:
    return Section(ordinal, 1, None, title, 1, box(ordinal))


def block(text: str, at: int | None = 0, kind: BlockKind = BlockKind.TEXT, place: int = 1) -> Block:
    return Block(kind, text, (box(place),), at)


def paper(
    *blocks: Block,
    title: str | None = "Silver and leaves",
    sections: Sequence[str] = ("Methods", "Results"),
) -> Paper:
    return Paper(title, PAGE, blocks, tuple(section(n, name) for n, name in enumerate(sections)))


def split(of: Paper, max_tokens: int = 40, tokenizer: ChunkTokenizer = WORDS) -> list[Chunk]:
    chunks, tokens = split_paper(
        of, document_id="doc_1", version=1, tokenizer=tokenizer, max_tokens=max_tokens
    )
    assert tokens.counts.tolist() == [chunk.tokens for chunk in chunks]
    return chunks


def sentences(number: int, words: int = 8) -> str:
    return " ".join("Word" + " word" * (words - 2) + f" end{n}." for n in range(number))


def test_chunk_joins_small_blocks_of_one_section() -> None:
    chunks = split(paper(block("One short text."), block("Another short text.")))
    assert [chunk.text for chunk in chunks] == ["One short text.\nAnother short text."]


def test_chunk_context_has_title_and_section_and_is_counted() -> None:
    (chunk,) = split(paper(block("One short text.")))
    assert chunk.context == "Silver and leaves — Methods"
    assert chunk.section == "Methods"
    assert chunk.tokens == WORDS.count([chunk.indexed_text])[0] == 10


def test_chunk_never_spans_two_sections() -> None:
    chunks = split(paper(block("In methods."), block("In results.", 1)))
    assert [(chunk.section, chunk.text) for chunk in chunks] == [
        ("Methods", "In methods."),
        ("Results", "In results."),
    ]


def test_chunk_splits_long_block_between_sentences() -> None:
    chunks = split(paper(block(sentences(12))))
    assert len(chunks) > 2
    assert all(chunk.tokens <= 40 for chunk in chunks)
    assert all(re.search(r"end\d+\.$", chunk.text) for chunk in chunks)
    assert " ".join(chunk.text for chunk in chunks) == sentences(12)


def test_chunk_splits_long_sentence_between_words() -> None:
    text = " ".join(f"w{n}" for n in range(200))
    chunks = split(paper(block(text)))
    assert all(chunk.tokens <= 40 for chunk in chunks)
    assert " ".join(chunk.text for chunk in chunks) == text


@pytest.mark.parametrize("tokenizer", [WORDS, CHARACTERS])
def test_chunk_splits_text_without_spaces_in_linear_time(tokenizer: ChunkTokenizer) -> None:
    text = "x" * 3_000_000
    chunks = split(paper(block(text)), max_tokens=256, tokenizer=tokenizer)
    assert "".join(chunk.text for chunk in chunks) == text
    assert all(chunk.tokens <= 256 and len(chunk.text) <= 256 * 12 for chunk in chunks)


def test_chunk_uses_headings_as_context_only() -> None:
    chunks = split(paper(block("Methods", 0, BlockKind.HEADING), block("We did this and that.")))
    assert [chunk.text for chunk in chunks] == ["We did this and that."]


def test_chunk_indexes_paper_of_headings_only() -> None:
    chunks = split(paper(block("Methods", 0, BlockKind.HEADING)))
    assert [chunk.text for chunk in chunks] == ["Methods"]


def test_chunk_references_have_own_kind() -> None:
    chunks = split(
        paper(block("Text of it."), block("Smith 2010. A title.", 0, BlockKind.REFERENCE))
    )
    assert [chunk.kind for chunk in chunks] == [ChunkKind.TEXT, ChunkKind.REFERENCE]


def test_chunk_context_before_first_section_has_title() -> None:
    chunks = split(paper(block("Text before the first heading.", None)))
    assert chunks[0].context == "Silver and leaves"
    assert chunks[0].section is None


def test_chunk_shortens_long_title_in_context() -> None:
    chunks = split(paper(block(sentences(6)), title=" ".join(["title"] * 90)), max_tokens=48)
    assert all(chunk.tokens <= 48 for chunk in chunks)
    assert chunks[0].context.endswith("— Methods")
    assert len(chunks[0].context.split()) <= 12


def test_chunk_paper_without_text_has_none() -> None:
    assert split(paper()) == []
    assert split(paper(block("  "))) == []


def test_chunk_boxes_are_those_of_printed_lines() -> None:
    text = sentences(8)
    starts = [match.start() for match in re.finditer("Word", text)]
    lines = tuple((start, box(10 * number)) for number, start in enumerate(starts, start=1))
    whole = Block(BlockKind.TEXT, text, (Box(1, 10, 200, 200, 812),), 0, lines)
    chunks = split(paper(whole))
    assert len(chunks) > 1
    printed = [box for chunk in chunks for box in chunk.boxes]
    assert printed == [line for _, line in lines]


def test_chunk_merges_boxes_of_consecutive_lines() -> None:
    lines = ((0, box(1)), (10, box(2)), (20, box(3)), (30, box(1, page=2)))
    (chunk,) = split(
        paper(Block(BlockKind.TEXT, "one two a three four five six b and more", (), 0, lines))
    )
    assert chunk.boxes == (Box(1, 10, 20, 200, 72), box(1, page=2))
    assert (chunk.page_first, chunk.page_last) == (1, 2)


def test_chunk_ids_are_deterministic() -> None:
    of = paper(block(sentences(12)), block("In results.", 1))
    first, again = split(of), split(of)
    assert first == again
    assert len({chunk.chunk_id for chunk in first}) == len(first)
    assert [chunk.ordinal for chunk in first] == list(range(len(first)))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(alphabet=st.sampled_from("ab .A\n?(1"), max_size=300), max_size=6),
    st.integers(8, 60),
    st.sampled_from([WORDS, CHARACTERS]),
)
def test_chunk_fits_any_text_without_loss(
    texts: list[str], max_tokens: int, tokenizer: ChunkTokenizer
) -> None:
    blocks = [block(text) for text in texts]
    chunks = split(paper(*blocks), max_tokens, tokenizer)
    assert all(chunk.text.strip() and chunk.tokens <= max_tokens for chunk in chunks)
    with_words = [text for text in texts if re.search("[abA]{2}", text)] or texts
    assert "".join("".join(chunk.text for chunk in chunks).split()) == "".join(
        "".join(with_words).split()
    )


@pytest.mark.parametrize(
    "expected",
    [
        ["One. ", "Two."],
        ["As Smith et al. Found it. ", "Next"],
        ["See Fig. 3 and Eq. 4. ", "Then (e.g. Here) stop! ", "Why? ", "So."],
        ["By J. R. Smith. ", "It was 3.5 m."],
        ["It rose [3]. ", "The rest fell.[4,5] ", "Then."],
        ["Figure 2. The spectrum of it. ", "More."],
    ],
)
def test_sentence_splitter_knows_abbreviations(expected: list[str]) -> None:
    text = "".join(expected)
    starts = sentence_starts(text)
    assert [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)] == expected
