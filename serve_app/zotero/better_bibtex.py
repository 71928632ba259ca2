"""Items and collections of Better BibTeX JSON."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from serve_app.zotero.entries import Entry, plain_doi, single_line, unique, written_name, year_in
from serve_app.zotero.file_fields import is_pdf
from serve_app.zotero.json_items import JsonItem

AUTHORS = ("author", "inventor", "presenter", "programmer")
WITHOUT_METADATA = ("attachment", "annotation", "note")  # an attachment has the name of its file
Memberships = Mapping[str, Sequence[str]]


class Creator(JsonItem):
    """A person, or with `name` a group."""

    first: str = Field("", alias="firstName")
    last: str = Field("", alias="lastName")
    name: str = ""
    kind: str = Field("author", alias="creatorType")

    @property
    def written(self) -> str:
        """The name as "family, given"."""
        return single_line(self.name) or written_name(self.last, self.first)


class Attachment(JsonItem):
    """A file; a link has no path."""

    path: str = ""
    local_path: str = Field("", alias="localPath")
    content_type: str = Field("", alias="contentType")
    mime_type: str = Field("", alias="mimeType")

    @property
    def pdf_path(self) -> str | None:
        """The path, None for a file that is no PDF."""
        path, kind = self.path or self.local_path, self.content_type or self.mime_type
        return path if is_pdf(path, kind) else None


class Tag(JsonItem):
    """A tag that a person or a translator has set."""

    tag: str = ""


class ZoteroItem(Attachment):
    """A reference with its attachments, or an attachment without reference."""

    kind: str = Field("", alias="itemType")
    item_id: str = Field("", alias="itemID")
    item_key: str = Field("", alias="itemKey")
    short_key: str = Field("", alias="key")
    citation_key: str = Field("", alias="citationKey")
    cite_key: str = Field("", alias="citekey")
    title: str = ""
    creators: list[Creator] = Field([])
    date: str = ""
    publication: str = Field("", alias="publicationTitle")
    proceedings: str = Field("", alias="proceedingsTitle")
    doi: str = Field("", alias="DOI")
    tags: list[Tag | str] = Field([])
    collections: list[str] = Field([])
    attachments: list[Attachment] = Field([])

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of the item, the most readable one first."""
        keys = (self.citation_key, self.cite_key, self.item_key, self.short_key, self.item_id)
        return tuple(filter(None, keys))

    @property
    def files(self) -> tuple[str, ...]:
        """The paths of its PDFs."""
        own = [self] if self.kind == "attachment" else self.attachments
        return tuple(filter(None, (one.pdf_path for one in own)))


class ZoteroCollection(JsonItem):
    """A collection. `parent` is the key of another one, or false."""

    name: str = ""
    parent: str | bool = False
    items: list[str] = Field([])


def zotero_entry(given: Any, collections: Memberships) -> Entry | None:
    """Returns the entry of an item, None for a note. Raises ValidationError."""
    item = ZoteroItem.model_validate(given)
    if item.kind in WITHOUT_METADATA and not item.files:
        return None
    has_metadata = item.kind not in WITHOUT_METADATA
    tags = [one if isinstance(one, str) else one.tag for one in item.tags]
    paths = [path for key in (*item.collections, *item.keys) for path in collections.get(key, ())]
    return Entry(
        key=next(iter(item.keys), ""),
        title=single_line(item.title) or None if has_metadata else None,
        authors=unique(one.written for one in item.creators if one.kind in AUTHORS),
        year=year_in(item.date),
        venue=(single_line(item.publication or item.proceedings) or None) if has_metadata else None,
        doi=plain_doi(item.doi),
        tags=unique([*tags, *paths]),
        files=item.files,
    )


def memberships(given: Any) -> Memberships:
    """Returns the paths of collections, such as "Thesis/Methods", by collection and by item.

    Keys are those of collections, and ids and keys of items. Raises ValidationError.
    """
    listed = given if isinstance(given, dict) else {}
    known = {key: ZoteroCollection.model_validate(one) for key, one in listed.items()}
    paths = defaultdict[str, list[str]](list)
    for key, collection in known.items():
        path = "/".join(reversed(list(_names(key, known))))
        for member in (key, *collection.items):
            paths[member].append(path)
    return paths


def _names(key: str, known: Mapping[str, ZoteroCollection]) -> Iterator[str]:
    """Yields the names of the collection and of those around it, the outermost one last."""
    seen = set[str]()
    while key in known and key not in seen:
        seen.add(key)
        yield known[key].name
        key = str(known[key].parent)
