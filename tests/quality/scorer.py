"""Scores an extracted paper against its true content, field by field, each from 0 to 1.

    title                1 when the similarity of the normalised titles is at least 0.9
    authors              F1 of the family names, as multisets
    abstract             1 when the F1 of the words is at least 0.8
    doi, year            1 when equal
    sections             F1 of the headings without numbers, matched one to one at 0.85 similarity;
                         those of abstract and bibliography do not count
    table_structure      for each true table the F1 of its adjacency relations with the best
                         extracted table: each cell with the next one to the right and below
                         (M. Göbel et al., "ICDAR 2013 Table Competition", 2013)
    table_cells          for each true table the F1 of its cell texts with the best extracted table
    figures              F1 of the captions, matched one to one at 0.85 similarity
    reference_recall     share of the true entries whose DOI or title stands in an extracted entry
    reference_precision  number of true entries over that of extracted ones, 1 at most
    reference_text       F1 of the printed entries, matched one to one at 0.9 similarity
    paragraphs           share of the true paragraphs whose letters stand unbroken in the text
    reading_order        the text holds the first and the last letters of each paragraph; share of
                         neighbours in the true order that are neighbours in the extracted order

The first fields, `table_structure`, `reference_recall` and `reference_precision` mean what they
mean in the project's acceptance scorer (score_extraction.py). A field that the truth does not state
is not scored.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from domain.papers import Cell, Paper, Reference
from tests.quality.truth import Rows, TrueReference, TrueTable, Truth

FIELDS = (
    *("title", "authors", "abstract", "doi", "year", "sections", "table_structure"),
    *("table_cells", "figures", "reference_recall", "reference_precision", "reference_text"),
    *("paragraphs", "reading_order"),
)
TITLE_SIMILARITY, ABSTRACT_F1, TEXT_SIMILARITY, ENTRY_SIMILARITY = 0.9, 0.8, 0.85, 0.9
LEAST_TITLE = 15  # a cited title of fewer normalised characters could stand anywhere by chance
ANCHOR = 30  # letters
Relation = tuple[str, str, str]  # two texts, "right" or "down"
Scores = Mapping[str, Sequence[float]]

_NUMBER = re.compile(r"\s*(?:[0-9]+(?:\.[0-9]+)*\.?|[IVX]+\.|[A-Z]\.)\s+")


def score(paper: Paper, truth: Truth) -> dict[str, list[float]]:
    """The scores of each field: one for each true table in the fields of tables, one in others."""
    found: dict[str, list[float]] = {}
    for name, value in _scores(paper, truth):
        found.setdefault(name, []).append(value)
    return found


def mean_scores(papers: Sequence[Scores]) -> dict[str, float]:
    """The mean of each field over all of its scores, in the order of FIELDS."""
    values = {name: [value for paper in papers for value in paper.get(name, ())] for name in FIELDS}
    return {name: sum(scores) / len(scores) for name, scores in values.items() if scores}


def _scores(paper: Paper, truth: Truth) -> Iterator[tuple[str, float]]:
    yield from _of_metadata(paper, truth)
    if truth.sections:
        headings = [heading(section.title) for section in paper.own_sections]
        yield "sections", matched_f1(headings, [heading(text) for text in truth.sections])
    grids = [table.rows for table in paper.tables]
    for table in truth.tables or ():
        if relations(table.rows):
            yield "table_structure", best_structure(grids, table)
            yield "table_cells", best_cells(grids, table)
    if truth.figures:
        captions = [figure.caption or "" for figure in paper.figures]
        yield "figures", matched_f1(captions, truth.figures)
    if truth.references:
        yield from _of_references(paper.references, truth.references)
    if truth.paragraphs:
        text = letters(" ".join(block.text for block in paper.blocks))
        wanted = [letters(paragraph) for paragraph in truth.paragraphs]
        yield "paragraphs", sum(paragraph in text for paragraph in wanted) / len(wanted)
        yield "reading_order", order(text, wanted)


def _of_metadata(paper: Paper, truth: Truth) -> Iterator[tuple[str, float]]:
    found = paper.metadata
    if truth.title:
        alike = similarity(found.title or paper.title or "", truth.title)
        yield "title", float(alike >= TITLE_SIMILARITY)
    if truth.authors:
        names = [last_name(author.family or author.name) for author in found.authors]
        yield "authors", f1(names, [last_name(name) for name in truth.authors])
    if truth.abstract:
        words = f1(normal(found.abstract or "").split(), normal(truth.abstract).split())
        yield "abstract", float(words >= ABSTRACT_F1)
    if truth.doi:
        yield "doi", float((found.doi or "").lower() == truth.doi.lower())
    if truth.year:
        yield "year", float(found.year == truth.year)


def _of_references(
    found: Sequence[Reference], truth: Sequence[TrueReference]
) -> Iterator[tuple[str, float]]:
    wanted = [entry for entry in truth if entry.doi or len(normal(entry.title)) > LEAST_TITLE]
    if not wanted:
        return
    texts = [normal(f"{entry.raw} {entry.title or ''}") for entry in found]
    dois = {entry.doi.lower() for entry in found if entry.doi}
    yield "reference_recall", _recall(wanted, texts, dois)
    yield "reference_precision", min(1.0, len(truth) / len(found)) if found else 0.0
    if all(entry.raw for entry in truth):
        printed = [_without_label(entry.raw) for entry in found]
        pairs = matched_f1(printed, [entry.raw for entry in truth], ENTRY_SIMILARITY)
        yield "reference_text", pairs


def _recall(wanted: Sequence[TrueReference], texts: Sequence[str], dois: set[str]) -> float:
    return sum(_is_cited(entry, texts, dois) for entry in wanted) / len(wanted)


def _is_cited(wanted: TrueReference, texts: Sequence[str], dois: set[str]) -> bool:
    doi, title = wanted.doi.lower(), normal(wanted.title)
    if doi and (doi in dois or any(normal(doi) in text for text in texts)):
        return True
    return len(title) > LEAST_TITLE and any(
        title in text or similarity(title, text[: 4 * len(title)]) > ENTRY_SIMILARITY
        for text in texts
    )


def _without_label(entry: str) -> str:
    return re.sub(r"^\s*(?:[\[(][^\])]{1,9}[\])]|\d{1,3}\.)\s*", "", entry)


# Texts


def normal(text: str) -> str:
    """Lower case without accents; a-z and digits, anything between them as one space.

    Letters beyond a-z, such as Greek symbols, are kept only in a text that consists of them mostly.
    """
    decomposed = unicodedata.normalize("NFKD", text).lower()
    base = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    latin = re.sub(r"[^a-z0-9]+", " ", base).strip()
    if 2 * sum(map(str.isalpha, latin)) >= sum(map(str.isalpha, base)):
        return latin
    return re.sub(r"[\W_]+", " ", base).strip()


def letters(text: str) -> str:
    """The letters of a text alone: no spaces, hyphens, digits or accents."""
    return re.sub(r"[\d ]+", "", normal(text))


def similarity(left: str, right: str) -> float:
    """Ratcliff/Obershelp similarity of the normalised texts; 0 when one is empty."""
    left, right = normal(left), normal(right)
    if not left or not right:
        return 0.0
    return SequenceMatcher(None, left, right, autojunk=False).ratio()


def f1(found: Sequence[str], wanted: Sequence[str]) -> float:
    """F1 of two multisets."""
    hits = sum((Counter(found) & Counter(wanted)).values())
    return 2 * hits / (len(found) + len(wanted)) if found or wanted else 1.0


def matched_f1(
    found: Sequence[str], wanted: Sequence[str], least: float = TEXT_SIMILARITY
) -> float:
    """F1 of a greedy one-to-one match of texts that are at least so similar."""
    left, hits = list(found), 0
    for text in wanted:
        alike = [similarity(candidate, text) for candidate in left]
        if alike and max(alike) >= least:
            del left[alike.index(max(alike))]
            hits += 1
    return 2 * hits / (len(found) + len(wanted)) if found or wanted else 1.0


def heading(text: str) -> str:
    """A heading without its number."""
    return _NUMBER.sub("", text, count=1) if _NUMBER.match(text) else text


def last_name(name: str) -> str:
    """The last word of a family name; what stands before a comma is the family name."""
    words = normal(name.split(",")[0]).split()
    return words[-1] if words else ""


def order(text: str, paragraphs: Sequence[str]) -> float:
    """Share of neighbouring ends of paragraphs that are neighbours in the text too; all texts are
    letters alone. An end that is not found costs both of its neighbourhoods."""
    anchors = [end for text in paragraphs for end in (text[:ANCHOR], text[-ANCHOR:])]
    places = _places(text, paragraphs)
    known = sorted((place, number) for number, place in enumerate(places) if place is not None)
    follows = {before: after for (_, before), (_, after) in pairwise(known)}
    pairs = len(anchors) - 1
    return sum(follows.get(number) == number + 1 for number in range(pairs)) / pairs


def _places(text: str, paragraphs: Sequence[str]) -> list[int | None]:
    """Where the first and the last letters of each paragraph stand: of a paragraph that is there as
    a whole those of its copy; of others the first place of the letters."""
    places: list[int | None] = []
    for paragraph in paragraphs:
        whole = text.find(paragraph)
        first = whole if whole >= 0 else text.find(paragraph[:ANCHOR])
        last = whole + len(paragraph) if whole >= 0 else text.find(paragraph[-ANCHOR:])
        places += [None if first < 0 else first, None if last < 0 else last]
    return places


# Tables


def grid(rows: Rows) -> dict[tuple[int, int], str]:
    """The normalised text of each place; a cell that spans fills all of its places."""
    places: dict[tuple[int, int], str] = {}
    for number, row in enumerate(rows):
        column = 0
        for cell in row:
            while (number, column) in places:
                column += 1
            _fill(places, number, column, cell)
            column += cell.colspan
    return places


def _fill(places: dict[tuple[int, int], str], row: int, column: int, cell: Cell) -> None:
    for down in range(cell.rowspan):
        for right in range(cell.colspan):
            places[row + down, column + right] = normal(cell.text)


def relations(rows: Rows) -> Counter[Relation]:
    """Pairs of different texts: each cell with the next one that is not blank to its right, and
    with the next one below it."""
    places = grid(rows)
    height = max((row for row, _ in places), default=-1) + 1
    width = max((column for _, column in places), default=-1) + 1
    pairs = Counter[Relation]()
    for (row, column), text in places.items():
        if not text:
            continue
        rightwards = (places.get((row, place), "") for place in range(column + 1, width))
        downwards = (places.get((place, column), "") for place in range(row + 1, height))
        for way, texts in (("right", rightwards), ("down", downwards)):
            other = next(filter(None, texts), text)
            if other != text:
                pairs[text, other, way] += 1
    return pairs


def best_structure(found: Sequence[Rows], table: TrueTable) -> float:
    """F1 of the adjacency relations with the most similar extracted table; 0 without one."""
    wanted = relations(table.rows)
    return max((_counted_f1(relations(rows), wanted) for rows in found), default=0.0)


def best_cells(found: Sequence[Rows], table: TrueTable) -> float:
    """F1 of the cell texts that are not blank with the most similar extracted table."""
    wanted = _texts(table.rows)
    return max((f1(_texts(rows), wanted) for rows in found), default=0.0)


def _texts(rows: Rows) -> list[str]:
    return [text for row in rows for cell in row if (text := normal(cell.text))]


def _counted_f1(found: Counter[Relation], wanted: Counter[Relation]) -> float:
    hits = (found & wanted).total()
    return 2 * hits / (found.total() + wanted.total()) if hits else 0.0
