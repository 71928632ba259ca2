"""A LlamaIndex reader for the library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from llama_index.core.readers.base import BasePydanticReader
from llama_index.core.schema import Document
from pydantic import Field, SecretStr

from domain.documents import DocumentStatus
from integrations.passages import names_of, page_url, paper_url
from integrations.section_texts import SectionText, section_texts, whole_text
from serve_app.client import Client
from serve_app.schemas.core import Document as PaperRecord
from serve_app.schemas.papers import PaperExport

PAPERS_PER_REQUEST = 200
ADDRESSES = ["document_id", "source", "sha256"]
"""Metadata that says nothing about the content: neither embedded nor shown to the model."""


class PaperworksReader(BasePydanticReader):
    """Loads papers of the library at `url` as documents, one per section or one per paper.

    The metadata has only strings and numbers, and no missing values; `source` is the address of
    the printed page. Ids are stable: those of the same version of a paper are the same each time.
    `key`: an API key, if the service requires one.
    """

    is_remote: bool = True
    url: str
    key: SecretStr | None = Field(default=None, exclude=True)
    per: Literal["section", "paper"] = "section"

    @classmethod
    def class_name(cls) -> str:
        """Returns the name under which LlamaIndex stores the reader."""
        return "PaperworksReader"

    def lazy_load_data(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, collection: str | None = None, document_ids: Sequence[str] | None = None
    ) -> Iterator[Document]:
        """Yields the documents of these papers, or of all searchable papers of the collection.

        Without arguments: of all collections. Raises PaperworksProblem, ServiceUnreachable.
        """
        key = self.key.get_secret_value() if self.key else None
        with Client(self.url, key) as client:
            ids = _searchable_ids(client, collection) if document_ids is None else document_ids
            for document_id in ids:
                yield from self._documents(client.paper(document_id))

    async def alazy_load_data(self, *args: Any, **load_kwargs: Any) -> Iterable[Document]:
        """Returns the documents, loaded in a thread."""
        return await self.aload_data(*args, **load_kwargs)

    def _documents(self, paper: PaperExport) -> Iterator[Document]:
        if self.per == "paper":
            source = paper_url(self.url, paper.document.document_id)
            yield _document(paper.document, whole_text(paper.blocks), source=source)
            return
        for section in section_texts(paper):
            if section.has_body:
                yield self._section(paper.document, section)

    def _section(self, paper: PaperRecord, section: SectionText) -> Document:
        return _document(
            paper,
            section.text,
            f":{section.number}",
            section=section.heading,
            page=section.page,
            source=page_url(self.url, paper.document_id, section.page),
        )


def _searchable_ids(client: Client, collection: str | None) -> Iterator[str]:
    cursor = None
    while True:
        page = client.documents(
            collection=collection,
            status=DocumentStatus.READY,
            cursor=cursor,
            limit=PAPERS_PER_REQUEST,
        )
        yield from (document.document_id for document in page.items)
        cursor = page.next_cursor
        if cursor is None:
            return


def _document(paper: PaperRecord, text: str, part: str = "", **of_part: Any) -> Document:
    metadata = {
        "document_id": paper.document_id,
        "collection": paper.collection,
        "filename": paper.filename,
        "title": paper.title,
        "authors": "; ".join(names_of(paper.authors)),
        "year": paper.year,
        "doi": paper.doi,
        "sha256": paper.sha256,
        **of_part,
    }
    return Document(
        id_=paper.document_id + part,
        text=text,
        metadata={name: value for name, value in metadata.items() if value not in (None, "")},
        excluded_embed_metadata_keys=ADDRESSES,
        excluded_llm_metadata_keys=ADDRESSES,
    )
