"""What both clients offer for what was read out of a paper."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from serve_app.client import paper_calls
from serve_app.client.calls import ApiRequest, R
from serve_app.schemas import core as schemas
from serve_app.schemas import papers as paper_schemas


class Papers:
    """The part of `Client` that asks for what was read."""

    def text(self, document_id: str) -> str:
        """The text of a document in reading order, a blank line between paragraphs."""
        return self._send(paper_calls.text(document_id))

    def markdown(self, document_id: str) -> str:
        """A document as GitHub's Markdown."""
        return self._send(paper_calls.markdown(document_id))

    def sections(self, document_id: str) -> list[paper_schemas.Section]:
        """The headings of a document in reading order."""
        return self._send(paper_calls.sections(document_id)).sections

    def tables(self, document_id: str) -> list[paper_schemas.Table]:
        """The tables of a document; `counts.tables` is None while nobody has looked for them."""
        return self._send(paper_calls.tables(document_id)).tables

    def table_csv(self, document_id: str, number: int) -> str:
        """A table as CSV."""
        return self._send(paper_calls.table_file(document_id, number, "csv"))

    def table_html(self, document_id: str, number: int) -> str:
        """A table as an HTML <table>."""
        return self._send(paper_calls.table_file(document_id, number, "html"))

    def figures(self, document_id: str) -> list[paper_schemas.Figure]:
        """The figures of a document; `counts.figures` is None while nobody has looked for them."""
        return self._send(paper_calls.figures(document_id)).figures

    def figure_png(self, document_id: str, number: int, *, dpi: int | None = None) -> bytes:
        """The picture of a figure."""
        return self._send(paper_calls.figure_png(document_id, number, dpi))

    def page_png(
        self,
        document_id: str,
        number: int,
        *,
        highlights: Sequence[str] = (),
        dpi: int | None = None,
    ) -> bytes:
        """The picture of a page; passages named by their `chunk_id` are marked on it."""
        return self._send(paper_calls.page_png(document_id, number, highlights, dpi))

    def references(self, document_id: str) -> list[paper_schemas.Reference]:
        """The bibliography of a document, as printed and in parts."""
        return self._send(paper_calls.references(document_id)).references

    def cites(self, document_id: str) -> list[schemas.Document]:
        """The documents of the same collection that this one cites."""
        return self._send(paper_calls.cites(document_id)).documents

    def cited_by(self, document_id: str) -> list[schemas.Document]:
        """The documents of the same collection that cite this one."""
        return self._send(paper_calls.cited_by(document_id)).documents

    def similar(self, document_id: str, limit: int = 10) -> list[paper_schemas.SimilarDocument]:
        """The documents of the same collection most like this one, best first."""
        return self._send(paper_calls.similar(document_id, limit)).documents

    def export(self, document_id: str, format: str = "markdown") -> str:
        """A document as `markdown`, `json` (everything), `bibtex` or `csl`."""
        return self._send(paper_calls.export(document_id, format))

    def export_collection(self, name: str, format: str = "bibtex") -> str:
        """The bibliography of a collection as `bibtex`."""
        return self._send(paper_calls.export_collection(name, format))

    def reingest(self, document_id: str) -> schemas.UploadAccepted:
        """Reads a document again, as a new version; follow its job."""
        return self._send(paper_calls.reingest(document_id))

    @abstractmethod
    def _send(self, call: ApiRequest[R]) -> R: ...


class AsyncPapers:
    """The part of `AsyncClient` that asks for what was read."""

    async def text(self, document_id: str) -> str:
        """As `Client.text`."""
        return await self._send(paper_calls.text(document_id))

    async def markdown(self, document_id: str) -> str:
        """As `Client.markdown`."""
        return await self._send(paper_calls.markdown(document_id))

    async def sections(self, document_id: str) -> list[paper_schemas.Section]:
        """As `Client.sections`."""
        return (await self._send(paper_calls.sections(document_id))).sections

    async def tables(self, document_id: str) -> list[paper_schemas.Table]:
        """As `Client.tables`."""
        return (await self._send(paper_calls.tables(document_id))).tables

    async def table_csv(self, document_id: str, number: int) -> str:
        """As `Client.table_csv`."""
        return await self._send(paper_calls.table_file(document_id, number, "csv"))

    async def table_html(self, document_id: str, number: int) -> str:
        """As `Client.table_html`."""
        return await self._send(paper_calls.table_file(document_id, number, "html"))

    async def figures(self, document_id: str) -> list[paper_schemas.Figure]:
        """As `Client.figures`."""
        return (await self._send(paper_calls.figures(document_id))).figures

    async def figure_png(self, document_id: str, number: int, *, dpi: int | None = None) -> bytes:
        """As `Client.figure_png`."""
        return await self._send(paper_calls.figure_png(document_id, number, dpi))

    async def page_png(
        self,
        document_id: str,
        number: int,
        *,
        highlights: Sequence[str] = (),
        dpi: int | None = None,
    ) -> bytes:
        """As `Client.page_png`."""
        return await self._send(paper_calls.page_png(document_id, number, highlights, dpi))

    async def references(self, document_id: str) -> list[paper_schemas.Reference]:
        """As `Client.references`."""
        return (await self._send(paper_calls.references(document_id))).references

    async def cites(self, document_id: str) -> list[schemas.Document]:
        """As `Client.cites`."""
        return (await self._send(paper_calls.cites(document_id))).documents

    async def cited_by(self, document_id: str) -> list[schemas.Document]:
        """As `Client.cited_by`."""
        return (await self._send(paper_calls.cited_by(document_id))).documents

    async def similar(
        self, document_id: str, limit: int = 10
    ) -> list[paper_schemas.SimilarDocument]:
        """As `Client.similar`."""
        return (await self._send(paper_calls.similar(document_id, limit))).documents

    async def export(self, document_id: str, format: str = "markdown") -> str:
        """As `Client.export`."""
        return await self._send(paper_calls.export(document_id, format))

    async def export_collection(self, name: str, format: str = "bibtex") -> str:
        """As `Client.export_collection`."""
        return await self._send(paper_calls.export_collection(name, format))

    async def reingest(self, document_id: str) -> schemas.UploadAccepted:
        """As `Client.reingest`."""
        return await self._send(paper_calls.reingest(document_id))

    @abstractmethod
    async def _send(self, call: ApiRequest[R]) -> R: ...
