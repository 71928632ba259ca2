"""Every request of the HTTP API as a value: what is sent, and the type of the response body."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Generic, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from domain.jobs import WaitFor
from serve_app.client.errors import ServiceUnreachable, problem_from
from serve_app.client.retry import Attempt
from serve_app.schemas import core as schemas
from serve_app.schemas import papers as paper_schemas
from serve_app.schemas.consistency import Adoption, Consistency, Repair

Body = TypeVar("Body", bound=BaseModel | str | bytes | None)
PREFIX = "/api/v1"
CONNECT_SECONDS, RESPONSE_SECONDS = 5.0, 90.0  # the longest long poll takes 60 s


@dataclass(frozen=True, slots=True)
class PdfFile:
    """A file to upload: a path, or bytes with a file name."""

    name: str
    content: Path | bytes

    @classmethod
    def of(cls, source: Path | str | bytes, name: str | None = None) -> PdfFile:
        """Returns the file at a path, or these bytes under `name`."""
        if isinstance(source, bytes):
            return cls(name or "untitled.pdf", source)
        return cls(name or Path(source).name, Path(source))


@dataclass(frozen=True, slots=True)
class ApiRequest(Generic[Body]):
    """A request and the type of its response body: `str` or `bytes` for a file, None for none."""

    method: str
    path: str
    body_type: type[Body] | None
    params: dict[str, Any] = field(default_factory=dict)
    json: Any = None
    form: dict[str, str] = field(default_factory=dict)
    files: tuple[tuple[str, PdfFile], ...] = ()
    headers: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def arguments(self) -> Iterator[dict[str, Any]]:
        """Yields the keyword arguments of `httpx.Client.request`.

        Files are opened for each attempt, so that a retry sends them from the start.
        """
        with ExitStack() as open_files:
            arguments: dict[str, Any] = {
                "params": {name: value for name, value in self.params.items() if value is not None},
                "headers": self.headers,
            }
            if self.json is not None:
                arguments["json"] = self.json
            if self.files:
                arguments["data"] = self.form
                arguments["files"] = [
                    (name, (file.name, _content(open_files, file), "application/pdf"))
                    for name, file in self.files
                ]
            yield arguments

    def parse(self, attempt: Attempt) -> Body:
        """Returns the response body. Raises PaperworksProblem, ServiceUnreachable."""
        if isinstance(attempt, ServiceUnreachable):
            raise attempt
        if attempt.is_error:
            raise problem_from(attempt)
        body_type: Any = self.body_type
        if body_type is str:
            return attempt.content.decode("utf-8")  # pyright: ignore[reportReturnType]
        if body_type is bytes:
            return attempt.content  # pyright: ignore[reportReturnType]
        return body_type and body_type.model_validate_json(attempt.content)


def _content(open_files: ExitStack, file: PdfFile) -> bytes | IO[bytes]:
    if isinstance(file.content, bytes):
        return file.content
    return open_files.enter_context(file.content.open("rb"))


def timeout() -> httpx.Timeout:
    """Returns the timeouts: short to connect, long enough for a long poll."""
    return httpx.Timeout(RESPONSE_SECONDS, connect=CONNECT_SECONDS)


def job_path(job_id: str, part: str = "") -> str:
    """Returns the path of a job or of a part of it."""
    return f"{PREFIX}/jobs/{quote(job_id, safe='')}{part}"


def document_path(document_id: str, part: str = "") -> str:
    """Returns the path of a document or of a part of it."""
    return f"{PREFIX}/documents/{quote(document_id, safe='')}{part}"


def collection_path(name: str, part: str = "") -> str:
    """Returns the path of a collection or of a part of it."""
    return f"{PREFIX}/collections/{quote(name, safe='')}{part}"


# Uploads and jobs


def upload(file: PdfFile, collection: str, on_duplicate: str) -> ApiRequest[schemas.UploadAccepted]:
    """Uploads one file."""
    form = {"collection": collection, "on_duplicate": on_duplicate}
    files = (("file", file),)
    return ApiRequest(
        "POST", f"{PREFIX}/upload-async", schemas.UploadAccepted, form=form, files=files
    )


def upload_many(
    files: Sequence[PdfFile], collection: str, on_duplicate: str, idempotency_key: str | None
) -> ApiRequest[schemas.UploadsAccepted]:
    """Uploads many files as one job; the idempotency key makes retries safe."""
    return ApiRequest(
        "POST",
        f"{PREFIX}/documents",
        schemas.UploadsAccepted,
        form={"collection": collection, "on_duplicate": on_duplicate},
        files=tuple(("files", file) for file in files),
        headers={"Idempotency-Key": idempotency_key or uuid.uuid4().hex},
    )


def job(job_id: str, wait_seconds: float, until: WaitFor) -> ApiRequest[schemas.Job]:
    """Returns a job: a long poll of `wait_seconds` at most until the job has reached `until`."""
    params = {"wait": round(wait_seconds, 3) or None, "until": str(until)}
    return ApiRequest("GET", job_path(job_id), schemas.Job, params=params)


def jobs(**params: Any) -> ApiRequest[schemas.Listed[schemas.JobSummary]]:
    """Lists jobs."""
    return ApiRequest("GET", f"{PREFIX}/jobs", schemas.Listed[schemas.JobSummary], params=params)


def cancel(job_id: str, keep_chunks: bool) -> ApiRequest[schemas.CancelAccepted]:
    """Cancels a job."""
    params = {"keep_chunks": keep_chunks or None}
    return ApiRequest("POST", job_path(job_id, "/cancel"), schemas.CancelAccepted, params=params)


def retry(job_id: str) -> ApiRequest[schemas.RetryAccepted]:
    """Queues the failed and cancelled papers of a job again."""
    return ApiRequest("POST", job_path(job_id, "/retry"), schemas.RetryAccepted)


def failures(job_id: str, **params: Any) -> ApiRequest[schemas.Listed[schemas.IncompleteTask]]:
    """Lists the failed and incomplete papers of a job."""
    path = job_path(job_id, "/failures")
    return ApiRequest("GET", path, schemas.Listed[schemas.IncompleteTask], params=params)


# Search, documents and collections


def search(query: str, **options: Any) -> ApiRequest[schemas.SearchResult]:
    """Searches the library; options are validated by the service, and None is left out."""
    given = {name: value for name, value in options.items() if value is not None}
    body = {"query": query, **given}
    return ApiRequest("POST", f"{PREFIX}/search", schemas.SearchResult, json=body)


def documents(**params: Any) -> ApiRequest[schemas.Listed[schemas.Document]]:
    """Lists documents."""
    return ApiRequest("GET", f"{PREFIX}/documents", schemas.Listed[schemas.Document], params=params)


def document(document_id: str) -> ApiRequest[schemas.Document]:
    """Returns a document."""
    return ApiRequest("GET", document_path(document_id), schemas.Document)


def chunks(document_id: str, **params: Any) -> ApiRequest[schemas.Listed[schemas.Chunk]]:
    """Lists the passages of a document."""
    path = document_path(document_id, "/chunks")
    return ApiRequest("GET", path, schemas.Listed[schemas.Chunk], params=params)


def reingest(document_id: str) -> ApiRequest[schemas.UploadAccepted]:
    """Processes a document again as a new version."""
    return ApiRequest("POST", document_path(document_id, "/reingest"), schemas.UploadAccepted)


def delete(document_id: str) -> ApiRequest[None]:
    """Deletes a document."""
    return ApiRequest("DELETE", document_path(document_id), None)


def collections() -> ApiRequest[schemas.Collections]:
    """Lists the collections."""
    return ApiRequest("GET", f"{PREFIX}/collections", schemas.Collections)


def delete_collection(name: str) -> ApiRequest[None]:
    """Deletes a collection with its documents."""
    return ApiRequest("DELETE", collection_path(name), None)


# Contents of a paper


def text(document_id: str) -> ApiRequest[str]:
    """Returns the text in reading order."""
    return ApiRequest("GET", document_path(document_id, "/text"), str)


def markdown(document_id: str) -> ApiRequest[str]:
    """Returns the document as Markdown."""
    return ApiRequest("GET", document_path(document_id, "/markdown"), str)


def sections(document_id: str) -> ApiRequest[paper_schemas.Sections]:
    """Lists the section headings."""
    return ApiRequest("GET", document_path(document_id, "/sections"), paper_schemas.Sections)


def tables(document_id: str) -> ApiRequest[paper_schemas.Tables]:
    """Lists the tables."""
    return ApiRequest("GET", document_path(document_id, "/tables"), paper_schemas.Tables)


def table_file(document_id: str, number: int, extension: str) -> ApiRequest[str]:
    """Returns a table as `csv` or `html`."""
    return ApiRequest("GET", document_path(document_id, f"/tables/{number}.{extension}"), str)


def figures(document_id: str) -> ApiRequest[paper_schemas.Figures]:
    """Lists the figures."""
    return ApiRequest("GET", document_path(document_id, "/figures"), paper_schemas.Figures)


def figure_png(document_id: str, number: int, dpi: int | None) -> ApiRequest[bytes]:
    """Returns a figure as PNG."""
    path = document_path(document_id, f"/figures/{number}.png")
    return ApiRequest("GET", path, bytes, params={"dpi": dpi})


def page_png(
    document_id: str, number: int, highlights: Sequence[str], dpi: int | None
) -> ApiRequest[bytes]:
    """Returns a page as PNG, with the passages `highlights` marked."""
    path = document_path(document_id, f"/pages/{number}.png")
    return ApiRequest("GET", path, bytes, params={"highlight": list(highlights), "dpi": dpi})


def references(document_id: str) -> ApiRequest[paper_schemas.References]:
    """Lists the bibliography."""
    return ApiRequest("GET", document_path(document_id, "/references"), paper_schemas.References)


def cites(document_id: str) -> ApiRequest[paper_schemas.Documents]:
    """Lists the documents that this one cites."""
    return ApiRequest("GET", document_path(document_id, "/cites"), paper_schemas.Documents)


def cited_by(document_id: str) -> ApiRequest[paper_schemas.Documents]:
    """Lists the documents that cite this one."""
    return ApiRequest("GET", document_path(document_id, "/cited_by"), paper_schemas.Documents)


def similar(document_id: str, limit: int) -> ApiRequest[paper_schemas.SimilarDocuments]:
    """Lists the documents most similar to this one."""
    path = document_path(document_id, "/similar")
    return ApiRequest("GET", path, paper_schemas.SimilarDocuments, params={"limit": limit})


def export(document_id: str, format: str) -> ApiRequest[str]:
    """Returns a document in an export format."""
    return ApiRequest("GET", document_path(document_id, "/export"), str, params={"format": format})


def export_collection(name: str, format: str) -> ApiRequest[str]:
    """Returns a collection in an export format."""
    return ApiRequest("GET", collection_path(name, "/export"), str, params={"format": format})


# Consistency of the stores


def consistency() -> ApiRequest[Consistency]:
    """Compares the stores."""
    return ApiRequest("GET", f"{PREFIX}/consistency", Consistency)


def repair_consistency(delete_orphans: bool) -> ApiRequest[Repair]:
    """Repairs the differences between the stores."""
    params = {"delete_orphans": delete_orphans or None}
    return ApiRequest("POST", f"{PREFIX}/consistency/repair", Repair, params=params)


def adopt(collection: str, claim_stores: bool) -> ApiRequest[Adoption]:
    """Adds orphaned PDFs to a collection."""
    body = {"collection": collection, "claim_stores": claim_stores}
    return ApiRequest("POST", f"{PREFIX}/consistency/adopt", Adoption, json=body)
