"""Blocks -> chunks: passages of one section that fit the model, with the places they were printed
at."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from domain.documents import Chunk, chunk_id
from domain.papers import Block, Box, Paper
from pipelines.chunking.groups import Group, groups_of
from pipelines.chunking.sentences import sentence_starts

CountTokens = Callable[[Sequence[str]], list[int]]

_CONTEXT_TOKENS = 48
_CONTEXT_SHARE = 4  # the context takes at most a quarter of a chunk
_CHARACTERS_PER_TOKEN = (
    12  # a word of a million letters is one unknown token: the length is bounded as well
)
_MOST_BOXES = 12
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of a block's text, with its number of tokens."""

    block: Block
    start: int
    end: int
    tokens: int = 0

    @property
    def text(self) -> str:
        return self.block.text[self.start : self.end].strip()


@dataclass(frozen=True, slots=True)
class _Draft:
    """A chunk to be: at most `budget` tokens of text behind its context."""

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
    count_tokens: CountTokens,
    max_tokens: int = 256,
) -> list[Chunk]:
    """The chunks of a paper in reading order, each of at most `max_tokens` tokens with its context.

    Cuts fall on borders of blocks, else of sentences, else of words, else anywhere; never is a
    chunk of two sections. After the text come the tables, a large one in parts that repeat its
    header, and the figures. `count_tokens` counts the model's special tokens too. Headings are
    context, not text, unless there is nothing else. Equal input gives equal ids.
    """
    special = count_tokens([""])[0]
    room = max_tokens - special - min(_CONTEXT_TOKENS, max_tokens // _CONTEXT_SHARE)
    groups = groups_of(paper, lambda texts: [n - special for n in count_tokens(texts)], room)
    if not groups:
        return []
    contexts = _contexts(
        paper.title, [group.section for group in groups], count_tokens, max_tokens, special
    )
    costs = dict(zip(contexts, count_tokens(contexts), strict=True))
    drafts: list[_Draft] = []
    pieces = _pieces_of_groups(groups, count_tokens, special, max_tokens)
    for group, context, mine in zip(groups, contexts, pieces, strict=True):
        budget = max(1, max_tokens - costs[context])
        drafts.extend(_Draft(group, context, budget, taken) for taken in _packed(mine, budget))
    fitting = _fitted(drafts, count_tokens, max_tokens)
    return [
        _chunk(draft, tokens, ordinal, document_id, version)
        for ordinal, (draft, tokens) in enumerate(fitting)
    ]


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
    """ "title — section" for each section, cut to whole words so that it takes its fair share of
    tokens at most."""
    allowed = min(_CONTEXT_TOKENS, max_tokens // _CONTEXT_SHARE)
    named = {section: _SPACE.sub(" ", section or "").strip()[:200] for section in sections}
    whole_title = _SPACE.sub(" ", title or "").strip()[:500]
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
    """Title and section name shortened: each may use what the other leaves, and has a half for
    sure."""
    title_tokens, name_tokens = (tokens - special for tokens in count([title, f" — {name}"]))
    for_name = min(name_tokens, max(allowed // 2, allowed - title_tokens)) if title else allowed
    name = _first_words(name, for_name, count, special, " — " if title else "")
    rest = allowed - (count([f" — {name}"])[0] - special if name else 0)
    return " — ".join(filter(None, (_first_words(title, rest, count, special), name)))


def _first_words(
    text: str, allowed: int, count: CountTokens, special: int, before: str = ""
) -> str:
    """The longest run of first words that takes at most `allowed` tokens behind `before`."""
    words = text.split()[: max(0, allowed)]
    heads = [" ".join(words[: number + 1]) for number in range(len(words))]
    tokens = count([before + head for head in heads]) if heads else []
    fits = [head for head, number in zip(heads, tokens, strict=True) if number - special <= allowed]
    return fits[-1] if fits else ""


# -- pieces and packing


def _pieces_of_groups(
    groups: Sequence[Group], count: CountTokens, special: int, max_tokens: int
) -> list[list[_Piece]]:
    """The sentences of each group, and what sentences must be cut into, with their tokens."""
    longest = max_tokens * _CHARACTERS_PER_TOKEN
    cut = [
        [piece for block in group.blocks for piece in _sentences(block, longest)]
        for group in groups
    ]
    counted = iter(_counted([piece for mine in cut for piece in mine], count, special))
    return [[next(counted) for _ in mine] for mine in cut]


def _sentences(block: Block, longest: int) -> Iterator[_Piece]:
    starts = sentence_starts(block.text)
    for start, end in zip(starts, [*starts[1:], len(block.text)], strict=True):
        for cut in _cuts(block.text, start, end, longest):
            if block.text[cut[0] : cut[1]].strip():
                yield _Piece(block, *cut)


def _cuts(text: str, start: int, end: int, longest: int) -> Iterator[tuple[int, int]]:
    """Stretches of at most `longest` characters, cut at a space where one is near."""
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
    """Runs of pieces of about equal size within the budget, cut between blocks where that is near
    the aim."""
    total = sum(piece.tokens for piece in pieces)
    aim = total / max(1, -(-total // budget))
    longest = (budget + 1) * _CHARACTERS_PER_TOKEN
    taken: list[_Piece] = []
    tokens = characters = 0
    for piece in pieces:
        size = piece.end - piece.start
        full = tokens + piece.tokens > budget or characters + size > longest
        if taken and (full or _is_enough(tokens, piece, aim)):
            yield _joined(taken)
            taken, tokens, characters = [], 0, 0
        taken.append(piece)
        tokens += piece.tokens
        characters += size
    if taken:
        yield _joined(taken)


def _is_enough(tokens: int, piece: _Piece, aim: float) -> bool:
    """True when the chunk is nearer to its aim without the piece; sooner where a block ends."""
    if piece.start == 0 and tokens >= 0.75 * aim and tokens + piece.tokens > 1.05 * aim:
        return True
    return tokens + piece.tokens / 2 > 1.1 * aim


def _joined(pieces: Sequence[_Piece]) -> tuple[_Piece, ...]:
    """Neighbouring pieces of one block made one."""
    joined: list[_Piece] = []
    for piece in pieces:
        if joined and joined[-1].block is piece.block:
            joined[-1] = replace(joined[-1], end=piece.end, tokens=joined[-1].tokens + piece.tokens)
        else:
            joined.append(piece)
    return tuple(joined)


def _fitted(
    drafts: Sequence[_Draft], count: CountTokens, max_tokens: int
) -> list[tuple[_Draft, int]]:
    """The drafts with their true token counts; one that is too long after all is halved until it
    fits.

    Pieces' counts need not add up (tokenizers differ, a sentence may be longer than a chunk): only
    this count decides. Each round is one batch of what was halved; there are about log2(longest) of
    them.
    """
    done = list(zip(drafts, count([draft.indexed_text for draft in drafts]), strict=True))
    while any(tokens > max_tokens and _can_shrink(draft) for draft, tokens in done):
        halved = [
            _halves(draft) if tokens > max_tokens and _can_shrink(draft) else [draft]
            for draft, tokens in done
        ]
        known = {id(draft): tokens for draft, tokens in done}
        fresh = [draft for some in halved for draft in some if id(draft) not in known]
        counts = count([draft.indexed_text for draft in fresh])
        known.update((id(draft), tokens) for draft, tokens in zip(fresh, counts, strict=True))
        done = [(draft, known[id(draft)]) for some in halved for draft in some]
    return done


def _can_shrink(draft: _Draft) -> bool:
    characters = sum(piece.end - piece.start for piece in draft.pieces)
    return bool(draft.context) or characters > 1


def _halves(draft: _Draft) -> list[_Draft]:
    """Two drafts with half of the text each; a single character loses its context instead."""
    piece, *others = draft.pieces
    if others:
        middle = len(draft.pieces) // 2
        parts = draft.pieces[:middle], draft.pieces[middle:]
        return [replace(draft, pieces=some) for some in parts]
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
    """The rectangles of the lines that the pieces were printed on: one for each run of lines in a
    column."""
    merged: list[Box] = []
    for box in (box for piece in pieces for box in _line_boxes(piece)):
        if merged and _is_below(merged[-1], box):
            merged[-1] = merged[-1].joined(box)
        elif not merged or merged[-1] != box:
            merged.append(box)
    return tuple(merged if len(merged) <= _MOST_BOXES else _one_a_page(merged))


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
    overlap = min(above.x1, box.x1) - max(above.x0, box.x0)
    narrower = min(above.x1 - above.x0, box.x1 - box.x0)
    gap = box.y0 - above.y1
    height = box.y1 - box.y0
    return above.page == box.page and overlap > 0.3 * narrower and -height < gap < 3 * height


def _one_a_page(boxes: Sequence[Box]) -> list[Box]:
    pages: dict[int, Box] = {}
    for box in boxes:
        pages[box.page] = pages[box.page].joined(box) if box.page in pages else box
    return list(pages.values())
