"""The requests of the HTTP API, as methods that both clients inherit."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from domain.jobs import WaitFor
from serve_app.client.requests import IDEMPOTENCY_KEY, ApiRequest, Body, Endpoint, PdfFile
from serve_app.schemas import access, core, papers, webhooks
from serve_app.schemas.consistency import Adoption, Consistency, Repair

Source = Path | str | bytes | PdfFile
PREFIX = "/api/v1"


def path_of(kind: str, name: str, part: str = "") -> str:
    """Returns the path of a resource (`kind` in plural, as "jobs"), or of a part of it."""
    return f"{PREFIX}/{kind}/{quote(name, safe='')}{part}"


class Endpoints:
    """Every request with one response. See `Endpoint` for what the methods return and raise."""

    # Access

    @Endpoint
    def access(self) -> ApiRequest[access.Access]:
        """Returns what this client may do."""
        return ApiRequest(f"{PREFIX}/access", access.Access.model_validate_json)

    @Endpoint
    def create_key(
        self,
        name: str,
        scopes: Sequence[str],
        collections: Sequence[str] | None = None,
        expires_days: int | None = None,
    ) -> ApiRequest[access.CreatedKey]:
        """Creates an API key; `token` of the result is shown only once."""
        body = {
            "name": name,
            "scopes": list(scopes),
            "collections": list(collections) if collections else None,
            "expires_days": expires_days,
        }
        path, parse = f"{PREFIX}/keys", access.CreatedKey.model_validate_json
        return ApiRequest(path, parse, json=body, method="POST")

    @Endpoint
    def keys(self) -> ApiRequest[access.Keys]:
        """Returns all API keys without their tokens, newest first."""
        return ApiRequest(f"{PREFIX}/keys", access.Keys.model_validate_json)

    @Endpoint
    def revoke_key(self, key_id: str) -> ApiRequest[None]:
        """Makes an API key invalid."""
        return ApiRequest(path_of("keys", key_id), lambda _body: None, method="DELETE")

    @Endpoint
    def audit(
        self, cursor: str | None = None, limit: int = 50
    ) -> ApiRequest[core.Listed[access.AuditEntry]]:
        """Returns who uploaded and deleted papers, and changed keys and webhooks, latest first."""
        return ApiRequest(
            f"{PREFIX}/audit",
            core.Listed[access.AuditEntry].model_validate_json,
            {"cursor": cursor, "limit": limit},
        )

    # Webhooks

    @Endpoint
    def create_webhook(
        self,
        url: str,
        collections: Sequence[str] | None = None,
        events: Sequence[str] | None = None,
    ) -> ApiRequest[webhooks.CreatedWebhook]:
        """Registers a webhook; `secret` of the result is shown only once.

        Without `collections` it reports the jobs of all, without `events` every end of a job.
        """
        given = {"url": url, "collections": collections and list(collections)}
        body = {**given, "events": list(events)} if events else given
        parse = webhooks.CreatedWebhook.model_validate_json
        return ApiRequest(f"{PREFIX}/webhooks", parse, json=body, method="POST")

    @Endpoint
    def webhooks(self) -> ApiRequest[webhooks.Webhooks]:
        """Returns all webhooks without their secrets, newest first."""
        return ApiRequest(f"{PREFIX}/webhooks", webhooks.Webhooks.model_validate_json)

    @Endpoint
    def webhook(self, webhook_id: str) -> ApiRequest[webhooks.Webhook]:
        """Returns a webhook without its secret."""
        return ApiRequest(path_of("webhooks", webhook_id), webhooks.Webhook.model_validate_json)

    @Endpoint
    def change_webhook(self, webhook_id: str, **settings: Any) -> ApiRequest[webhooks.Webhook]:
        """Changes `collections` (None: all), `events` or `enabled`."""
        path, parse = path_of("webhooks", webhook_id), webhooks.Webhook.model_validate_json
        return ApiRequest(path, parse, json=settings, method="PATCH")

    @Endpoint
    def delete_webhook(self, webhook_id: str) -> ApiRequest[None]:
        """Deletes a webhook with its deliveries."""
        return ApiRequest(path_of("webhooks", webhook_id), lambda _body: None, method="DELETE")

    @Endpoint
    def deliveries(
        self, webhook_id: str, *, cursor: str | None = None, limit: int = 50
    ) -> ApiRequest[core.Listed[webhooks.Delivery]]:
        """Returns a page of the deliveries of a webhook, newest first."""
        path, params = path_of("webhooks", webhook_id, "/deliveries"), {"cursor": cursor}
        parse = core.Listed[webhooks.Delivery].model_validate_json
        return ApiRequest(path, parse, {**params, "limit": limit})

    @Endpoint
    def redeliver(self, webhook_id: str, delivery_id: str) -> ApiRequest[webhooks.Delivery]:
        """Queues a delivery again, with all its retries."""
        part = f"/deliveries/{quote(delivery_id, safe='')}/redeliver"
        path, parse = path_of("webhooks", webhook_id, part), webhooks.Delivery.model_validate_json
        return ApiRequest(path, parse, method="POST")

    @Endpoint
    def test_webhook(self, webhook_id: str) -> ApiRequest[webhooks.Delivery]:
        """Queues a delivery of the event `ping`."""
        path, parse = path_of("webhooks", webhook_id, "/test"), webhooks.Delivery
        return ApiRequest(path, parse.model_validate_json, method="POST")

    # Uploads and jobs

    @Endpoint
    def upload(
        self,
        source: Source,
        collection: str = "default",
        *,
        filename: str | None = None,
        on_duplicate: str = "return",
        idempotency_key: str | None = None,
    ) -> ApiRequest[core.UploadAccepted]:
        """Uploads one PDF (a path, or bytes named `filename`); returns its job.

        The idempotency key, by default a random one, makes retries safe.
        """
        return ApiRequest(
            f"{PREFIX}/upload-async",
            core.UploadAccepted.model_validate_json,
            form={"collection": collection, "on_duplicate": on_duplicate},
            files=(("file", PdfFile.of(source, filename)),),
            headers={IDEMPOTENCY_KEY: idempotency_key or uuid.uuid4().hex},
            method="POST",
        )

    @Endpoint
    def upload_many(
        self,
        sources: Iterable[Source],
        collection: str = "default",
        *,
        on_duplicate: str = "return",
        idempotency_key: str | None = None,
    ) -> ApiRequest[core.UploadsAccepted]:
        """Uploads many PDFs as one job; returns the job and the result of each file.

        The idempotency key, by default a random one, makes retries safe.
        """
        return ApiRequest(
            f"{PREFIX}/documents",
            core.UploadsAccepted.model_validate_json,
            form={"collection": collection, "on_duplicate": on_duplicate},
            files=tuple(("files", PdfFile.of(source)) for source in sources),
            headers={IDEMPOTENCY_KEY: idempotency_key or uuid.uuid4().hex},
            method="POST",
        )

    @Endpoint
    def job(
        self, job_id: str, wait_seconds: float = 0, until: WaitFor = WaitFor.DONE
    ) -> ApiRequest[core.Job]:
        """Returns the job once it has ended, or once all its papers are searchable.

        After `wait_seconds` (60 at most) it returns the current state.
        """
        params = {"wait": round(wait_seconds, 3) or None, "until": str(until)}
        return ApiRequest(path_of("jobs", job_id), core.Job.model_validate_json, params)

    @Endpoint
    def register_folder(
        self, folder: str, collection: str = "default"
    ) -> ApiRequest[core.FolderAccepted]:
        """Registers the PDFs of a folder, or of a prefix of a bucket, that the server may read;
        returns their job."""
        body, parse = {"folder": folder, "collection": collection}, core.FolderAccepted
        return ApiRequest(f"{PREFIX}/jobs", parse.model_validate_json, json=body, method="POST")

    @Endpoint
    def jobs(
        self,
        *,
        status: str | None = None,
        collection: str | None = None,
        job_ids: Sequence[str] | None = None,
        unacknowledged: bool = False,
        cursor: str | None = None,
        limit: int = 50,
    ) -> ApiRequest[core.Listed[core.JobSummary]]:
        """Returns a page of jobs, newest first; with `job_ids` only these.

        With `unacknowledged` only jobs with unacknowledged failures.
        """
        params = {
            "status": status,
            "collection": collection,
            "job_id": list(job_ids) if job_ids else None,
            "unacknowledged": unacknowledged or None,
            "cursor": cursor,
            "limit": limit,
        }
        return ApiRequest(
            f"{PREFIX}/jobs", core.Listed[core.JobSummary].model_validate_json, params
        )

    @Endpoint
    def cancel(self, job_id: str, *, keep_chunks: bool = False) -> ApiRequest[core.CancelAccepted]:
        """Cancels a job.

        Searchable passages of partially processed papers are deleted, or kept with `keep_chunks`.
        """
        path, params = path_of("jobs", job_id, "/cancel"), {"keep_chunks": keep_chunks or None}
        return ApiRequest(path, core.CancelAccepted.model_validate_json, params, method="POST")

    @Endpoint
    def retry(self, job_id: str) -> ApiRequest[core.RetryAccepted]:
        """Queues the failed and cancelled papers of a job again, under the same job id."""
        path = path_of("jobs", job_id, "/retry")
        return ApiRequest(path, core.RetryAccepted.model_validate_json, method="POST")

    @Endpoint
    def acknowledge(self, job_id: str) -> ApiRequest[core.Acknowledged]:
        """Marks the failures of a job that has ended as seen."""
        path = path_of("jobs", job_id, "/acknowledge")
        return ApiRequest(path, core.Acknowledged.model_validate_json, method="POST")

    @Endpoint
    def acknowledge_all(
        self, *, collection: str | None = None, until: datetime | None = None
    ) -> ApiRequest[core.AllAcknowledged]:
        """Marks the failures of all jobs as seen; `until` needs a time zone."""
        params = {"collection": collection, "until": until.isoformat() if until else None}
        path, parse = f"{PREFIX}/acknowledgements", core.AllAcknowledged.model_validate_json
        return ApiRequest(path, parse, params, method="POST")

    @Endpoint
    def tasks(
        self, job_id: str, *, cursor: str | None = None, limit: int = 50
    ) -> ApiRequest[core.Listed[core.Task]]:
        """Returns a page of the papers of a job, in the order of their uploads."""
        path, params = path_of("jobs", job_id, "/tasks"), {"cursor": cursor, "limit": limit}
        return ApiRequest(path, core.Listed[core.Task].model_validate_json, params)

    @Endpoint
    def failures(
        self, job_id: str, *, cursor: str | None = None, limit: int = 50
    ) -> ApiRequest[core.Listed[core.IncompleteTask]]:
        """Returns a page of the papers that failed or have unreadable pages, latest first."""
        path, params = path_of("jobs", job_id, "/failures"), {"cursor": cursor, "limit": limit}
        return ApiRequest(path, core.Listed[core.IncompleteTask].model_validate_json, params)

    # Search, documents and collections

    @Endpoint
    def search(
        self,
        query: str,
        *,
        collection: str | None = None,
        mode: str | None = None,
        filters: dict[str, Any] | None = None,
        limit: int | None = None,
        group_by: str | None = None,
        min_relevance: float | None = None,
        cursor: str | None = None,
        explain: bool | None = None,
        rerank: bool | None = None,
    ) -> ApiRequest[core.SearchResult]:
        """Returns the best passages of one collection or of all; `filters` as `SearchFilters`.

        The query may have `"exact phrases"` and `-excluded` words. Hits with a relevance below
        `min_relevance` (0 to 1) are left out. `cursor` is `next_cursor` of the previous page.
        `rerank` is True by default if the service has a reranker.
        """
        options = {
            "collection": collection,
            "mode": mode,
            "filters": filters,
            "limit": limit,
            "group_by": group_by,
            "min_relevance": min_relevance,
            "cursor": cursor,
            "explain": explain,
            "rerank": rerank,
        }
        given = {name: value for name, value in options.items() if value is not None}
        body = {"query": query, **given}
        return ApiRequest(
            f"{PREFIX}/search",
            core.SearchResult.model_validate_json,
            json=body,
            method="POST",
            changes_nothing=True,
        )

    @Endpoint
    def similar_passages(
        self, document_id: str, chunk_id: str, limit: int = 10
    ) -> ApiRequest[core.SearchResult]:
        """Returns the passages of the same collection that are nearest to a passage, best first."""
        path = path_of("documents", document_id, f"/chunks/{quote(chunk_id, safe='')}/similar")
        return ApiRequest(path, core.SearchResult.model_validate_json, {"limit": limit})

    @Endpoint
    def documents(
        self,
        *,
        collection: str | None = None,
        status: str | None = None,
        needs_review: bool | None = None,
        text: str | None = None,
        year_first: int | None = None,
        year_last: int | None = None,
        author: str | None = None,
        doi: str | None = None,
        tags: Sequence[str] | None = None,
        since: datetime | None = None,
        order: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> ApiRequest[core.Listed[core.Document]]:
        """Returns a page of documents: newest first, oldest first, or by title or year.

        Each word of `text` occurs in the title, the filename or the name of an author. The words of
        `author` are names of an author. `since` needs a time zone.
        """
        params = {
            "collection": collection,
            "status": status,
            "needs_review": needs_review,
            "text": text,
            "year_first": year_first,
            "year_last": year_last,
            "author": author,
            "doi": doi,
            "tag": list(tags) if tags else None,
            "since": since.isoformat() if since else None,
            "order": order,
            "cursor": cursor,
            "limit": limit,
        }
        return ApiRequest(
            f"{PREFIX}/documents", core.Listed[core.Document].model_validate_json, params
        )

    @Endpoint
    def document(self, document_id: str) -> ApiRequest[core.Document]:
        """Returns a document."""
        return ApiRequest(path_of("documents", document_id), core.Document.model_validate_json)

    @Endpoint
    def chunks(
        self, document_id: str, *, cursor: str | None = None, limit: int = 50
    ) -> ApiRequest[core.Listed[core.Chunk]]:
        """Returns a page of the passages of a document in reading order."""
        params = {"cursor": cursor, "limit": limit}
        return _part(document_id, "/chunks", core.Listed[core.Chunk].model_validate_json, params)

    @Endpoint
    def correct(self, document_id: str, **corrections: Any) -> ApiRequest[core.Document]:
        """Corrects `title`, `authors` (names), `year`, `venue` or `doi`; None restores the field.

        `tags` replace those of the document. All survive further readings of the paper.
        `collection` moves it: the returned document has another id and is read again.
        """
        path = path_of("documents", document_id)
        parse = core.Document.model_validate_json
        return ApiRequest(path, parse, json=corrections, method="PATCH")

    @Endpoint
    def reingest(self, document_id: str) -> ApiRequest[core.UploadAccepted]:
        """Processes a document again as a new version; returns its job."""
        path = path_of("documents", document_id, "/reingest")
        return ApiRequest(path, core.UploadAccepted.model_validate_json, method="POST")

    @Endpoint
    def delete(self, document_id: str) -> ApiRequest[None]:
        """Deletes a document with its passages and its PDF."""
        return ApiRequest(path_of("documents", document_id), lambda _body: None, method="DELETE")

    @Endpoint
    def collections(self) -> ApiRequest[list[core.Collection]]:
        """Returns every collection, sorted by name."""
        return ApiRequest(
            f"{PREFIX}/collections", lambda body: core.Collections.model_validate_json(body).items
        )

    @Endpoint
    def collection(self, name: str) -> ApiRequest[core.Collection]:
        """Returns a collection with what it holds and what it may hold."""
        return ApiRequest(path_of("collections", name), core.Collection.model_validate_json)

    @Endpoint
    def create_collection(self, name: str, **settings: Any) -> ApiRequest[core.Collection]:
        """Creates an empty collection: `description`, `max_papers`, `max_bytes`, `duplicates`."""
        path, parse = f"{PREFIX}/collections", core.Collection.model_validate_json
        return ApiRequest(path, parse, json={"name": name, **settings}, method="POST")

    @Endpoint
    def change_collection(self, name: str, /, **settings: Any) -> ApiRequest[core.Collection]:
        """Changes `name`, `description`, `max_papers`, `max_bytes` (None: no limit), `duplicates`.

        The first name of a renamed collection, its `collection_id`, leads to it, too.
        """
        path, parse = path_of("collections", name), core.Collection.model_validate_json
        return ApiRequest(path, parse, json=settings, method="PATCH")

    @Endpoint
    def delete_collection(self, name: str) -> ApiRequest[None]:
        """Deletes a collection with every document in it."""
        return ApiRequest(path_of("collections", name), lambda _body: None, method="DELETE")

    # Contents of a paper

    @Endpoint
    def text(self, document_id: str) -> ApiRequest[str]:
        """Returns the text of a document in reading order, paragraphs separated by blank lines."""
        return _part(document_id, "/text", bytes.decode)

    @Endpoint
    def markdown(self, document_id: str) -> ApiRequest[str]:
        """Returns a document as GitHub-flavored Markdown."""
        return _part(document_id, "/markdown", bytes.decode)

    @Endpoint
    def sections(self, document_id: str) -> ApiRequest[list[papers.Section]]:
        """Returns the section headings of a document in reading order."""
        return _part(
            document_id,
            "/sections",
            lambda body: papers.Sections.model_validate_json(body).sections,
        )

    @Endpoint
    def tables(self, document_id: str) -> ApiRequest[list[papers.Table]]:
        """Returns the tables; `counts.tables` is None until table detection has run."""
        return _part(
            document_id, "/tables", lambda body: papers.Tables.model_validate_json(body).tables
        )

    @Endpoint
    def table_csv(self, document_id: str, number: int) -> ApiRequest[str]:
        """Returns a table as CSV."""
        return _part(document_id, f"/tables/{number}.csv", bytes.decode)

    @Endpoint
    def table_html(self, document_id: str, number: int) -> ApiRequest[str]:
        """Returns a table as an HTML <table>."""
        return _part(document_id, f"/tables/{number}.html", bytes.decode)

    @Endpoint
    def figures(self, document_id: str) -> ApiRequest[list[papers.Figure]]:
        """Returns the figures; `counts.figures` is None until figure detection has run."""
        return _part(
            document_id, "/figures", lambda body: papers.Figures.model_validate_json(body).figures
        )

    @Endpoint
    def figure_png(
        self, document_id: str, number: int, *, dpi: int | None = None
    ) -> ApiRequest[bytes]:
        """Returns the image of a figure as PNG."""
        return _part(document_id, f"/figures/{number}.png", bytes, {"dpi": dpi})

    @Endpoint
    def page_png(
        self,
        document_id: str,
        number: int,
        *,
        highlights: Sequence[str] = (),
        dpi: int | None = None,
    ) -> ApiRequest[bytes]:
        """Returns the image of a page as PNG; passages with these `chunk_id`s are highlighted."""
        return _part(
            document_id, f"/pages/{number}.png", bytes, {"highlight": list(highlights), "dpi": dpi}
        )

    @Endpoint
    def references(self, document_id: str) -> ApiRequest[list[papers.Reference]]:
        """Returns the bibliography of a document, as printed and parsed into fields."""
        return _part(
            document_id,
            "/references",
            lambda body: papers.References.model_validate_json(body).references,
        )

    @Endpoint
    def cites(self, document_id: str) -> ApiRequest[list[core.Document]]:
        """Returns the documents of the same collection that this one cites."""
        return _part(document_id, "/cites", _documents)

    @Endpoint
    def cited_by(self, document_id: str) -> ApiRequest[list[core.Document]]:
        """Returns the documents of the same collection that cite this one."""
        return _part(document_id, "/cited_by", _documents)

    @Endpoint
    def similar(
        self, document_id: str, limit: int = 10
    ) -> ApiRequest[list[papers.SimilarDocument]]:
        """Returns the most similar documents of the same collection, best first."""
        similar = papers.SimilarDocuments.model_validate_json
        return _part(
            document_id, "/similar", lambda body: similar(body).documents, {"limit": limit}
        )

    @Endpoint
    def export(self, document_id: str, format: str = "markdown") -> ApiRequest[str]:
        """Returns a document as `markdown`, `json` (everything), `bibtex`, `ris` or `csl`."""
        return _part(document_id, "/export", bytes.decode, {"format": format})

    @Endpoint
    def paper(self, document_id: str) -> ApiRequest[papers.PaperExport]:
        """Returns a document with its sections, blocks, tables, figures and references."""
        parse = papers.PaperExport.model_validate_json
        return _part(document_id, "/export", parse, {"format": "json"})

    @Endpoint
    def export_collection(self, name: str, format: str = "bibtex") -> ApiRequest[str]:
        """Returns the bibliography of a collection as `bibtex`, `ris` or `csl`."""
        path = path_of("collections", name, "/export")
        return ApiRequest(path, bytes.decode, {"format": format})

    @Endpoint
    def bibliography(
        self,
        document_ids: Sequence[str] = (),
        collections: Sequence[str] = (),
        format: str = "bibtex",
    ) -> ApiRequest[str]:
        """Returns one bibliography of documents (200 at most) and collections.

        Citation keys are unique in it. Documents that are not searchable are left out.
        """
        chosen = {"document_id": list(document_ids), "collection": list(collections)}
        return ApiRequest(f"{PREFIX}/bibliography", bytes.decode, {**chosen, "format": format})

    # Consistency of the stores

    @Endpoint
    def consistency(self) -> ApiRequest[Consistency]:
        """Returns the differences between PostgreSQL, Milvus and the blob store."""
        return ApiRequest(f"{PREFIX}/consistency", Consistency.model_validate_json)

    @Endpoint
    def repair_consistency(self, *, delete_orphans: bool = False) -> ApiRequest[Repair]:
        """Repairs the differences; returns them with the actions taken and the jobs started.

        `delete_orphans` deletes orphans even above the configured deletion limits.
        """
        path, params = f"{PREFIX}/consistency/repair", {"delete_orphans": delete_orphans or None}
        return ApiRequest(path, Repair.model_validate_json, params, method="POST")

    @Endpoint
    def adopt(self, collection: str, *, claim_stores: bool = False) -> ApiRequest[Adoption]:
        """Adds orphaned PDFs to a collection; returns the jobs that process them.

        `claim_stores` first assigns Milvus and the blob store to the database of the service.
        """
        path = f"{PREFIX}/consistency/adopt"
        body = {"collection": collection, "claim_stores": claim_stores}
        return ApiRequest(path, Adoption.model_validate_json, json=body, method="POST")


def _part(
    document_id: str,
    part: str,
    parse: Callable[[bytes], Body],
    params: dict[str, Any] | None = None,
) -> ApiRequest[Body]:
    return ApiRequest(path_of("documents", document_id, part), parse, params or {})


def _documents(body: bytes) -> list[core.Document]:
    return papers.Documents.model_validate_json(body).documents
