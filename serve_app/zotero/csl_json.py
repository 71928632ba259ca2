"""Items of CSL JSON."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from serve_app.zotero.entries import Entry, plain_doi, single_line, unique, written_name, year_in
from serve_app.zotero.file_fields import pdf_paths
from serve_app.zotero.json_items import JsonItem


class CslName(JsonItem):
    """A person, or with `literal` a group."""

    family: str = ""
    given: str = ""
    literal: str = ""
    suffix: str = ""
    dropping_particle: str = Field("", alias="dropping-particle")
    non_dropping_particle: str = Field("", alias="non-dropping-particle")

    @property
    def written(self) -> str:
        """The name as "family, given"."""
        if self.literal:
            return single_line(self.literal)
        particles = (self.dropping_particle, self.non_dropping_particle)
        family = " ".join(filter(None, (*particles, self.family, self.suffix)))
        return written_name(family, self.given)


class CslDate(JsonItem):
    """A date in parts, or as text."""

    date_parts: list[list[str | None]] = Field([], alias="date-parts")
    raw: str = ""
    literal: str = ""

    @property
    def year(self) -> int | None:
        """The year of the (first) date."""
        first = self.date_parts[0] if self.date_parts else []
        return year_in(" ".join(filter(None, (*first[:1], self.raw, self.literal))))


class CslItem(JsonItem):
    """A reference. `file` is not part of the standard: the paths of the attached PDFs."""

    id: str = ""
    citation_key: str = Field("", alias="citation-key")
    title: str = ""
    author: list[CslName] = Field([])
    issued: CslDate | None = None
    container_title: str = Field("", alias="container-title")
    doi: str = Field("", alias="DOI")
    keyword: str = ""
    file: str = ""


def csl_entry(given: Any) -> Entry:
    """Returns the entry of an item. Raises ValidationError."""
    item = CslItem.model_validate(given)
    return Entry(
        key=item.citation_key or item.id,
        title=single_line(item.title) or None,
        authors=unique(name.written for name in item.author),
        year=item.issued.year if item.issued else None,
        venue=single_line(item.container_title) or None,
        doi=plain_doi(item.doi),
        tags=unique(item.keyword.replace(";", ",").split(",")),
        files=pdf_paths(item.file),
    )
