"""Corrections of the metadata of a document by a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from domain.documents import Document
from domain.errors import Conflict
from domain.papers import Author, Metadata
from extraction.citations.match import match_key
from serve_app.library.corrected_values import stored_tags, stored_value
from serve_app.library.papers import metadata_of, paper_of

if TYPE_CHECKING:
    from serve_app.api.services import Services

KEY_FIELDS = {"title", "authors", "year"}  # the citation key consists of these


async def correct_metadata(
    document: Document, given: Mapping[str, Any], services: Services
) -> Document:
    """Returns the document with the `given` fields corrected; None restores the extracted value.

    The corrections and `tags` survive further readings of the paper. `authors` are names as
    printed. Raises NotFound, PreconditionFailed if the document has changed in the meantime, and
    Conflict for a field to be restored before the paper has been read.
    """
    tags, given = _tags(given), {name: one for name, one in given.items() if name != "tags"}
    restored = {name for name, value in given.items() if value is None}
    extracted = await _extracted(document, services) if restored else Metadata()
    columns = {
        name: getattr(extracted, name) if name in restored else stored_value(name, value)
        for name, value in given.items()
    }
    if KEY_FIELDS & columns.keys():
        columns["title_key"] = _title_key(metadata_of(document), columns)
        if not KEY_FIELDS & ((document.corrections.keys() | columns.keys()) - restored):
            restored.add("title_key")
    if "authors" in columns:
        columns["authors"] = [asdict(author) for author in columns["authors"]]
    await services.documents.correct(
        document.document_id, columns, restored, tags=tags, expected=document
    )
    return await services.documents.get(document.document_id)


def _tags(given: Mapping[str, Any]) -> list[str] | None:
    """Returns the tags as stored; None if they stay as they are."""
    return stored_tags(given["tags"] or ()) if "tags" in given else None


async def _extracted(document: Document, services: Services) -> Metadata:
    try:
        paper = await paper_of(document, services)
    except Conflict as error:
        raise Conflict(
            "The paper has not been read, so there is no extracted value to restore."
        ) from error
    return paper.metadata


def _title_key(current: Metadata, columns: Mapping[str, Any]) -> str | None:
    """Returns the key by which bibliographies find the document after the correction."""
    authors: tuple[Author, ...] = columns.get("authors", current.authors)
    return match_key(
        columns.get("title", current.title),
        columns.get("year", current.year),
        next(iter(authors), None),
    )
