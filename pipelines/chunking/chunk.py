"""Splits a paper's blocks into chunks: passages of one section that fit the embedding model."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from domain.documents import Chunk, chunk_id
from domain.papers import Block, Box, Paper
from embedding.token_batch import TokenBatch
from extraction.geometry import overlap_x
from pipelines.chunking.groups import Group, groups_of
from pipelines.chunking.sentences import sentence_starts
from pipelines.chunking.tokens import ChunkTokenizer, CountTokens

_CONTEXT_TOKENS = 48  # upper limit of a chunk's context
_CONTEXT_DIVISOR = 4  # the context takes at most a quarter of a chunk
_MAX_TITLE_CHARACTERS, _MAX_SECTION_CHARACTERS = 500, 200  # of the context, before it is cut
# Upper limit: a word of a million letters is one unknown token, so length is bounded as well.
_CHARACTERS_PER_TOKEN = 12
_MAX_BOXES = 12  # of a chunk; with more there is one per page
# Shares of the target size (heuristics): where a block ends, a chunk may be a quarter too small
# rather than 5 % too large; elsewhere it may be 10 % too large.
_MIN_FILL, _OVERFILL_AT_BLOCK, _OVERFILL = 0.75, 1.05, 1.1
_COLUMN_OVERLAP = 0.3  # of the narrower box: boxes of one column
_MAX_LINE_GAP = 3  # line heights between lines of one box
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a block's text, with its number of tokens."""

    block: Block
    start: int
    end: int
    tokens: int = 0

    @property
    def text(self) -> str:
        return self.block.text[self.start : self.end].strip()


@dataclass(frozen=True, slots=True)
class _Draft:
    """A chunk in the making: at most `budget` tokens of text behind its context."""

    group: Group
    context: str
    budget: int
    pieces: tuple[_Piece, ...]

    @property
    def text(self) -> str:
        return "\n".join(piece.text for piece in self.pieces)

    @property
    def indexed_text(self) -> str:
        return f"{self.context}\n{self.text}" if self.context else self.text


def split_paper(
    paper: Paper,
    *,
    document_id: str,
    version: int,
    tokenizer: ChunkTokenizer,
    max_tokens: int = 256,
) -> tuple[list[Chunk], TokenBatch]:
    """Returns the chunks of a paper in reading order, and the token ids of their indexed texts.

    A chunk has at most `max_tokens` tokens, with its context and the model's special tokens. Text
    is split at block boundaries if possible, else between sentences, else between words, else
    anywhere; a chunk never spans two sections. Tables and figures follow the text; a large table is
    split into parts that repeat its header. Headings are context, not text, unless there is nothing
    else. Equal input gives equal ids.
    """
    count_tokens = tokenizer.count
    special = count_tokens([""])[0]
    capacity = max_tokens - special - min(_CONTEXT_TOKENS, max_tokens // _CONTEXT_DIVISOR)
    groups = groups_of(paper, lambda texts: [n - special for n in count_tokens(texts)], capacity)
    if not groups:
        return [], TokenBatch.from_rows([])
    contexts = _contexts(
        paper.title, [group.section for group in groups], count_tokens, max_tokens, special
    )
    costs = dict(zip(contexts, count_tokens(contexts), strict=True))
    drafts: list[_Draft] = []
    pieces = _pieces_of_groups(groups, count_tokens, special, max_tokens)
    for group, context, of_group in zip(groups, contexts, pieces, strict=True):
        budget = max(1, max_tokens - costs[context])
        drafts.extend(_Draft(group, context, budget, run) for run in _packed(of_group, budget))
    fitted = _fitted(drafts, tokenizer, max_tokens)
    chunks = [
        _chunk(draft, len(ids), ordinal, document_id, version)
        for ordinal, (draft, ids) in enumerate(fitted)
    ]
    return chunks, TokenBatch.from_rows([ids for _, ids in fitted])


def _chunk(draft: _Draft, tokens: int, ordinal: int, document_id: str, version: int) -> Chunk:
    kind, text = draft.group.kind, draft.text
    return Chunk(
        chunk_id=chunk_id(document_id, version, ordinal, kind, text),
        document_id=document_id,
        version=version,
        ordinal=ordinal,
        kind=kind,
        text=text,
        section=draft.group.section,
        boxes=_boxes(draft.pieces),
        context=draft.context,
        tokens=tokens,
    )


# -- contexts


def _contexts(
    title: str | None,
    sections: Sequence[str | None],
    count: CountTokens,
    max_tokens: int,
    special: int,
) -> list[str]:
    """The context "title — section" for each section, cut to whole words to fit its limit."""
    allowed = min(_CONTEXT_TOKENS, max_tokens // _CONTEXT_DIVISOR)
    named = {
        section: _SPACE.sub(" ", section or "").strip()[:_MAX_SECTION_CHARACTERS]
        for section in sections
    }
    whole_title = _SPACE.sub(" ", title or "").strip()[:_MAX_TITLE_CHARACTERS]
    wanted = {
        section: " — ".join(filter(None, (whole_title, name))) for section, name in named.items()
    }
    tokens = dict(zip(wanted, count(list(wanted.values())), strict=True))
    short = {
        section: text
        if tokens[section] - special <= allowed
        else _cut(whole_title, named[section], allowed, count, special)
        for section, text in wanted.items()
    }
    return [short[section] for section in sections]


def _cut(title: str, name: str, allowed: int, count: CountTokens, special: int) -> str:
    """Title and section name shortened: each gets at least half, and what the other leaves."""
    title_tokens, name_tokens = (tokens - special for tokens in count([title, f" — {name}"]))
    for_name = min(name_tokens, max(allowed // 2, allowed - title_tokens)) if title else allowed
    name = _first_words(name, for_name, count, special, " — " if title else "")
    rest = allowed - (count([f" — {name}"])[0] - special if name else 0)
    return " — ".join(filter(None, (_first_words(title, rest, count, special), name)))


def _first_words(
    text: str, allowed: int, count: CountTokens, special: int, before: str = ""
) -> str:
    """The longest prefix of whole words that takes at most `allowed` tokens behind `before`."""
    words = text.split()[: max(0, allowed)]
    heads = [" ".join(words[: number + 1]) for number in range(len(words))]
    tokens = count([before + head for head in heads]) if heads else []
    fits = [head for head, number in zip(heads, tokens, strict=True) if number - special <= allowed]
    return fits[-1] if fits else ""


# -- pieces and packing


def _pieces_of_groups(
    groups: Sequence[Group], count: CountTokens, special: int, max_tokens: int
) -> list[list[_Piece]]:
    """The sentences of each group with their tokens; very long sentences in several pieces."""
    longest = max_tokens * _CHARACTERS_PER_TOKEN
    cut = [
        [piece for block in group.blocks for piece in _sentences(block, longest)]
        for group in groups
    ]
    counted = iter(_counted([piece for pieces in cut for piece in pieces], count, special))
    return [[next(counted) for _ in pieces] for pieces in cut]


def _sentences(block: Block, longest: int) -> Iterator[_Piece]:
    starts = sentence_starts(block.text)
    for start, end in zip(starts, [*starts[1:], len(block.text)], strict=True):
        for cut in _cuts(block.text, start, end, longest):
            if block.text[cut[0] : cut[1]].strip():
                yield _Piece(block, *cut)


def _cuts(text: str, start: int, end: int, longest: int) -> Iterator[tuple[int, int]]:
    """Yields ranges of at most `longest` characters, split at a space in the second half."""
    while end - start > longest:
        space = text.rfind(" ", start + longest // 2, start + longest)
        middle = space + 1 if space >= 0 else start + longest
        yield start, middle
        start = middle
    yield start, end


def _counted(pieces: Sequence[_Piece], count: CountTokens, special: int) -> list[_Piece]:
    tokens = count([piece.text for piece in pieces])
    return [
        replace(piece, tokens=number - special)
        for piece, number in zip(pieces, tokens, strict=True)
    ]


def _packed(pieces: Sequence[_Piece], budget: int) -> Iterator[tuple[_Piece, ...]]:
    """Yields runs of pieces of about equal size within the budget.

    Runs end at a block boundary where that is close to the target size.
    """
    total = sum(piece.tokens for piece in pieces)
    target = total / max(1, -(-total // budget))
    longest = (budget + 1) * _CHARACTERS_PER_TOKEN
    taken: list[_Piece] = []
    tokens = characters = 0
    for piece in pieces:
        size = piece.end - piece.start
        full = tokens + piece.tokens > budget or characters + size > longest
        if taken and (full or _is_enough(tokens, piece, target)):
            yield _joined(taken)
            taken, tokens, characters = [], 0, 0
        taken.append(piece)
        tokens += piece.tokens
        characters += size
    if taken:
        yield _joined(taken)


def _is_enough(tokens: int, piece: _Piece, target: float) -> bool:
    """True when the chunk is closer to its target without the piece; earlier at a block's end."""
    if (
        piece.start == 0
        and tokens >= _MIN_FILL * target
        and tokens + piece.tokens > _OVERFILL_AT_BLOCK * target
    ):
        return True
    return tokens + piece.tokens / 2 > _OVERFILL * target


def _joined(pieces: Sequence[_Piece]) -> tuple[_Piece, ...]:
    """The pieces, with neighbouring ones of the same block merged."""
    joined: list[_Piece] = []
    for piece in pieces:
        if joined and joined[-1].block is piece.block:
            joined[-1] = replace(joined[-1], end=piece.end, tokens=joined[-1].tokens + piece.tokens)
        else:
            joined.append(piece)
    return tuple(joined)


def _fitted(
    drafts: Sequence[_Draft], tokenizer: ChunkTokenizer, max_tokens: int
) -> list[tuple[_Draft, np.ndarray]]:
    """The drafts with their token ids; drafts that are too long are halved until they fit.

    Counts of pieces need not add up to the count of the chunk (tokenizers differ), and a sentence
    may be longer than a chunk: only these ids decide. Each round encodes the halves in one batch;
    there are about log2(longest) rounds.
    """
    done = _encoded(drafts, tokenizer)
    while any(_is_too_long(*each, max_tokens) for each in done):
        halved = [
            _halves(draft) if _is_too_long(draft, ids, max_tokens) else [draft]
            for draft, ids in done
        ]
        known = {id(draft): ids for draft, ids in done}
        new = [draft for halves in halved for draft in halves if id(draft) not in known]
        known.update((id(draft), ids) for draft, ids in _encoded(new, tokenizer))
        done = [(draft, known[id(draft)]) for halves in halved for draft in halves]
    return done


def _encoded(
    drafts: Sequence[_Draft], tokenizer: ChunkTokenizer
) -> list[tuple[_Draft, np.ndarray]]:
    """The drafts with the token ids of their indexed texts."""
    tokens = tokenizer.encode([draft.indexed_text for draft in drafts])
    return list(zip(drafts, tokens.rows(), strict=True))


def _is_too_long(draft: _Draft, ids: np.ndarray, max_tokens: int) -> bool:
    return len(ids) > max_tokens and _can_shrink(draft)


def _can_shrink(draft: _Draft) -> bool:
    characters = sum(piece.end - piece.start for piece in draft.pieces)
    return bool(draft.context) or characters > 1


def _halves(draft: _Draft) -> list[_Draft]:
    """Two drafts with half of the text each; for a single character, the draft without context."""
    piece, *others = draft.pieces
    if others:
        middle = len(draft.pieces) // 2
        return [
            replace(draft, pieces=half) for half in (draft.pieces[:middle], draft.pieces[middle:])
        ]
    text, middle = piece.block.text, (piece.start + piece.end) // 2
    if piece.end - piece.start < 2:
        return [replace(draft, context="")]
    space = max(text.rfind(" ", piece.start + 1, middle), piece.start)
    later = text.find(" ", middle, piece.end - 1)
    if later >= 0 and later - middle < middle - space:
        space = later
    cut = space + 1 if space > piece.start else middle
    halves = [replace(piece, end=cut), replace(piece, start=cut)]
    return [replace(draft, pieces=(half,)) for half in halves if half.text]


# -- boxes


def _boxes(pieces: Sequence[_Piece]) -> tuple[Box, ...]:
    """The bounding boxes of the pieces' lines, one for each run of lines in a column."""
    merged: list[Box] = []
    for box in (box for piece in pieces for box in _line_boxes(piece)):
        if merged and _is_below(merged[-1], box):
            merged[-1] = merged[-1].joined(box)
        elif not merged or merged[-1] != box:
            merged.append(box)
    return tuple(merged if len(merged) <= _MAX_BOXES else _one_per_page(merged))


def _line_boxes(piece: _Piece) -> Sequence[Box]:
    lines = piece.block.lines
    if not lines:
        return piece.block.boxes
    starts = [start for start, _ in lines]
    start = (
        piece.start
        + len(piece.block.text[piece.start : piece.end])
        - len(piece.block.text[piece.start : piece.end].lstrip())
    )
    first = max(0, bisect_right(starts, start) - 1)
    last = max(first + 1, bisect_right(starts, max(start, piece.end - 1)))
    return [box for _, box in lines[first:last]]


def _is_below(above: Box, box: Box) -> bool:
    """True when the line continues the rectangle downwards in the same column."""
    overlap = overlap_x(above, box)
    narrower = min(above.x1 - above.x0, box.x1 - box.x0)
    gap = box.y0 - above.y1
    height = box.y1 - box.y0
    is_column = overlap > _COLUMN_OVERLAP * narrower
    return above.page == box.page and is_column and -height < gap < _MAX_LINE_GAP * height


def _one_per_page(boxes: Sequence[Box]) -> list[Box]:
    pages: dict[int, Box] = {}
    for box in boxes:
        pages[box.page] = pages[box.page].joined(box) if box.page in pages else box
    return list(pages.values())
