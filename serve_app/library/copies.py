"""Hits in copies of one work: the same passage is listed once and names the other copies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from domain.documents import Document, Passage
from domain.same_work import Work, group_copies, letters_of

Hit = tuple[Passage, Document]


def each_work_once(hits: Iterable[Hit]) -> list[Hit]:
    """Returns the first hit of each work. Its `also_in` are the other copies among the hits."""
    hits = list(hits)
    works = works_of(document for _, document in hits)
    first = dict[str, Hit]()
    for hit in hits:
        work = works[hit[1].document_id]
        first[work] = _with_copy(first[work], hit) if work in first else hit
    return list(first.values())


def each_text_once(hits: Iterable[Hit]) -> list[Hit]:
    """Returns the hits without those whose text an earlier hit in another copy of the work has.

    `also_in` of the earlier hit are these copies. A text that one paper has twice is listed twice.
    """
    hits = list(hits)
    works = works_of(document for _, document in hits)
    has_copies = {work for document, work in works.items() if document != work}
    places, listed = dict[tuple[str, str], int](), list[Hit]()
    for hit in hits:
        passage, document = hit
        work = works[document.document_id]
        if work in has_copies:
            place = places.setdefault((work, letters_of(passage.chunk.text)), len(listed))
            if place < len(listed) and listed[place][1].document_id != document.document_id:
                listed[place] = _with_copy(listed[place], hit)
                continue
        listed.append(hit)
    return listed


def works_of(documents: Iterable[Document]) -> dict[str, str]:
    """Returns for each document the id of the first one of the same work."""
    unique = {one.document_id: one for one in documents}
    return group_copies([Work.of(name, one.collection, one) for name, one in unique.items()])


def _with_copy(kept: Hit, other: Hit) -> Hit:
    passage, document = kept
    names = {*passage.also_in, *other[0].also_in, other[1].document_id} - {document.document_id}
    return replace(passage, also_in=tuple(sorted(names))), document
