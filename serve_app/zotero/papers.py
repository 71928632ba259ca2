"""The PDFs of an export, and the metadata that their documents should have."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from domain.documents import document_id
from serve_app.library.corrected_values import stored_tags, stored_value
from serve_app.schemas.core import Document
from serve_app.schemas.requests import MAX_TAG_CHARACTERS, MAX_TAGS, MetadataCorrection
from serve_app.zotero.attachments import Attachments
from serve_app.zotero.entries import Entry, Parsed
from serve_app.zotero.export import first_problem


@dataclass(slots=True)
class Paper:
    """A PDF, the id that its document has or gets, and the metadata and tags of its entries.

    `key` is that of the entry with the metadata, or of the first entry.
    """

    document_id: str
    path: Path
    key: str
    fields: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)

    def changes(self, document: Document) -> dict[str, Any]:
        """Returns the corrections that make the document equal to the export.

        A field that equals the extracted value is corrected too, so that later readings keep it.
        Tags are added up to the maximum number; the tags of the document stay.
        """
        corrections = {
            name: value
            for name, value in self.fields.items()
            if name not in document.corrected or _value(document, name) != stored_value(name, value)
        }
        new = [tag for tag in stored_tags(self.tags) if tag not in document.tags]
        if added := new[: max(0, MAX_TAGS - len(document.tags))]:
            corrections["tags"] = [*document.tags, *added]
        return corrections

    def is_successor_of(self, document: Document) -> bool:
        """True if the document has this file name, and this title or DOI: an earlier file."""
        return document.filename == self.path.name and any(
            name in self.fields and _value(document, name) == stored_value(name, self.fields[name])
            for name in ("title", "doi")
        )


def _value(document: Document, name: str) -> Any:
    value = getattr(document, name)
    return tuple(value) if name == "authors" else value


class Plan:
    """What the documents of a collection should be according to an export.

    `papers` are by document id, which depends on `collection_id`. `problems` are messages;
    `missing` counts files that do not exist or cannot be read, `without_pdf` entries to which no
    file belongs.
    """

    def __init__(
        self, parsed: Parsed, attachments: Attachments, collection: str, collection_id: str
    ) -> None:
        self.collection, self.collection_id = collection, collection_id
        self.papers: dict[str, Paper] = {}
        self.problems = list(parsed.problems)
        self.unreadable = len(parsed.problems)
        self.missing = self.without_pdf = 0
        for entry in parsed.entries:
            self._add_entry(entry, attachments)

    def _add_entry(self, entry: Entry, attachments: Attachments) -> None:
        """Adds the PDFs of the entry: the main one with the metadata, the others with the tags."""
        found = attachments.of(entry)
        for written in found.missing:
            self._miss(entry, f"{written} does not exist or is not a regular file.")
        if not found.paths and not found.missing:
            self.without_pdf += 1
            self.problems.append(f"{entry.key}: the entry has no PDF.")
        if found.paths:
            tags, fields = self._tags(entry), self._fields(entry) if found.main else {}
            for path in found.paths:
                self._add_file(path, entry, fields if path == found.main else {}, tags)

    def _miss(self, entry: Entry, message: str) -> None:
        self.missing += 1
        self.problems.append(f"{entry.key}: {message}")

    def _add_file(self, path: Path, entry: Entry, fields: dict[str, Any], tags: list[str]) -> None:
        try:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            self._miss(entry, f"{path} cannot be read: {error.strerror}.")
            return
        name = document_id(self.collection_id, sha256)
        paper = self.papers.setdefault(name, Paper(name, path, entry.key))
        paper.tags += tags
        if fields and paper.fields:
            self.problems.append(
                f"{entry.key}: {path.name} is the PDF of {paper.key}, too, whose metadata is used."
            )
        elif fields:
            paper.key, paper.fields = entry.key, fields

    def _fields(self, entry: Entry) -> dict[str, Any]:
        given = {"title": entry.title, "authors": list(entry.authors)}
        given |= {"year": entry.year, "venue": entry.venue, "doi": entry.doi}
        return {
            name: value
            for name, value in given.items()
            if value and self._is_valid(entry, name, value)
        }

    def _tags(self, entry: Entry) -> list[str]:
        """Returns the tags that the service accepts; longer ones are cut."""
        for tag in entry.tags:
            if len(tag) > MAX_TAG_CHARACTERS:
                self.problems.append(
                    f"{entry.key}: a tag was cut to {MAX_TAG_CHARACTERS} characters: {tag}"
                )
        cut = (tag[:MAX_TAG_CHARACTERS].strip() for tag in entry.tags)
        valid = [tag for tag in cut if self._is_valid(entry, "tags", [tag])]
        if len(valid) > MAX_TAGS:
            left_out = f"{len(valid) - MAX_TAGS} of {len(valid)} tags were left out"
            self.problems.append(f"{entry.key}: {left_out}; a paper has at most {MAX_TAGS}.")
        return valid[:MAX_TAGS]

    def _is_valid(self, entry: Entry, name: str, value: Any) -> bool:
        try:
            MetadataCorrection.model_validate({name: value})
        except ValidationError as error:
            self.problems.append(f"{entry.key}: not used: {first_problem(error)}.")
            return False
        return True


def former_documents(paper: Paper, known: dict[str, Document], plan: Plan) -> Iterator[str]:
    """Yields the ids of documents whose PDF the export has replaced by this paper."""
    for name, document in known.items():
        if name not in plan.papers and paper.is_successor_of(document):
            yield name
