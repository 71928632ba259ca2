"""A LangChain retriever for the library."""

from __future__ import annotations

from typing import Any, Literal

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import SecretStr

from domain.search import SearchMode
from integrations.passages import Passage, page_url
from serve_app.client import AsyncClient, Client
from serve_app.schemas.core import Hit, SearchResult


class PaperworksRetriever(BaseRetriever):
    """Returns the best passages of the library at `url` as documents.

    The metadata of a document names the paper, section, pages, bounding boxes (points from the top
    left corner of the page), score and relevance; `source` is the address of the printed page.
    `key`: an API key, if the service requires one. The other fields are those of a search. Raises
    PaperworksProblem, ServiceUnreachable.
    """

    url: str
    key: SecretStr | None = None
    collection: str | None = None
    mode: SearchMode = SearchMode.HYBRID
    filters: dict[str, Any] | None = None
    limit: int = 10
    group_by: Literal["document"] | None = None
    min_relevance: float | None = None

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        with Client(self.url, self._key) as client:
            return self._documents(client.search(query, **self._options))

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        async with AsyncClient(self.url, self._key) as client:
            return self._documents(await client.search(query, **self._options))

    @property
    def _key(self) -> str | None:
        return self.key.get_secret_value() if self.key else None

    @property
    def _options(self) -> dict[str, Any]:
        names = ("collection", "mode", "filters", "limit", "group_by", "min_relevance")
        return {name: getattr(self, name) for name in names}

    def _documents(self, result: SearchResult) -> list[Document]:
        return [self._document(hit) for hit in result.hits]

    def _document(self, hit: Hit) -> Document:
        metadata = Passage.model_validate(hit).model_dump(mode="json", exclude={"text"})
        source = page_url(self.url, hit.document_id, hit.page_first, hit.chunk_id)
        return Document(hit.text, id=hit.chunk_id, metadata={**metadata, "source": source})
