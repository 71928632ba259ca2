"""The true content of a paper, against which an extracted paper is scored."""

from __future__ import annotations

from dataclasses import dataclass

from domain.papers import Cell

Rows = tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class TrueTable:
    """A printed table; `rows` as in HTML, spans included."""

    label: str
    caption: str
    rows: Rows


@dataclass(frozen=True, slots=True)
class TrueReference:
    """An entry of the bibliography; `raw` is the printed text without its label, or empty when the
    record does not state it."""

    raw: str = ""
    title: str = ""
    doi: str = ""


@dataclass(frozen=True, slots=True)
class Truth:
    """What a paper contains. None means unknown: the field is not scored.

    `authors` are family names, `sections` headings without numbers, `figures` captions without
    labels, `paragraphs` the body text in reading order.
    """

    title: str | None = None
    authors: tuple[str, ...] | None = None
    abstract: str | None = None
    doi: str | None = None
    year: int | None = None
    sections: tuple[str, ...] | None = None
    tables: tuple[TrueTable, ...] | None = None
    figures: tuple[str, ...] | None = None
    references: tuple[TrueReference, ...] | None = None
    paragraphs: tuple[str, ...] | None = None
