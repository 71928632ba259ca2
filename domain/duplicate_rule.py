"""What a collection does with an upload that is another file of a work it has.

Shared by the PostgreSQL store and the in-memory fake, so that both behave the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain.documents import CORRECTABLE, Document
from domain.duplicates import Duplicates
from domain.errors import Failure, SameWork, failure_of
from domain.folder_jobs import FOLDER
from domain.papers import Author, Metadata

UPLOAD_KINDS = ("upload", FOLDER)
"""Kinds of jobs that the rule applies to: no paper is lost because it was moved or read again."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """The document that stays, with what it takes over, and the ids of those that are deleted.

    `columns`: the columns that a person has corrected in the others, with their values.
    """

    document_id: str
    columns: dict[str, Any]
    tags: tuple[str, ...]
    replaced: tuple[str, ...]


def corrected(metadata: Metadata, corrections: Mapping[str, Any]) -> Metadata:
    """Returns the metadata with what a person has corrected, as the stores keep it."""
    values = {name: corrections[name] for name in CORRECTABLE if name in corrections}
    if "authors" in values:
        values["authors"] = tuple(Author(**author) for author in values["authors"])
    evidence = {name: one for name, one in metadata.evidence.items() if name not in values}
    return replace(metadata, evidence=evidence, **values)


def refusal(copy: Document) -> Failure:
    """Returns why an upload is refused of which the collection has this copy."""
    return failure_of(SameWork.of(copy.title, copy.document_id, copy.collection))


def replacement(
    document: Document,
    uploaded_at: datetime,
    copies: Sequence[Document],
    unfinished: Collection[str],
) -> Replacement | None:
    """Returns how the newest upload replaces the others, when this one has been read completely.

    `unfinished`: ids of copies that are still being read. A newer one of them replaces the others
    when it is complete. None: nothing is replaced, as by a paper that was searchable before.
    """
    if document.searchable_at is None or document.searchable_at < uploaded_at:
        return None
    newer = [one for one in copies if one.created_at > uploaded_at]
    complete = [one for one in newer if one.document_id not in unfinished]
    kept = max(complete, key=lambda one: one.created_at, default=document)
    older = [one for one in (document, *copies) if one is not kept and one not in newer]
    if not older:
        return None
    older.sort(key=lambda one: one.created_at)
    return Replacement(
        kept.document_id,
        _carried_columns(kept, older),
        tuple(dict.fromkeys(_tags((kept, *reversed(older))))),
        tuple(one.document_id for one in older),
    )


def _tags(documents: Iterable[Document]) -> Iterable[str]:
    return (tag for one in documents for tag in one.tags)


def _carried_columns(kept: Document, older: Sequence[Document]) -> dict[str, Any]:
    """Returns the corrections of the older documents, latest first, of columns without one."""
    corrections: dict[str, Any] = {}
    for one in older:
        corrections |= one.corrections
    return {name: value for name, value in corrections.items() if name not in kept.corrections}


def applies(rule: Duplicates, kind: str) -> bool:
    """Returns whether the rule of a collection concerns the papers of jobs of this kind."""
    return rule is not Duplicates.KEEP and kind in UPLOAD_KINDS
