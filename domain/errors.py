"""Error hierarchy of the project. Classes are grouped by what the caller should do next.

    PaperworksError
    ├── InvalidRequest               change the request
    │   ├── NotFound                 the resource does not exist
    │   │   └── UnknownCollection · FolderNotFound
    │   ├── Expired                  the record was deleted after its retention time
    │   ├── Conflict                 the request conflicts with the stored state
    │   │   └── CollectionRenamed
    │   ├── PreconditionFailed       read the document again
    │   ├── QuotaExceeded            delete papers, or raise the quota of the collection
    │   ├── IdempotencyKeyReused     send the request with a new key
    │   ├── RerankerNotConfigured    search without `rerank`
    │   ├── RefusedWebhookUrl        use a public https:// URL
    │   ├── FoldersNotConfigured     upload the files, or set http.folders
    │   ├── FolderNotAllowed         use a folder below one of http.folders
    │   ├── FolderUnreadable         let the service read the folder
    │   ├── FolderWithoutPdf         use a folder that contains PDFs
    │   └── RefusedUpload            send another file
    │       ├── NotAPdf · EmptyFile · FileTooLarge
    ├── BadDocument                  the file cannot be processed; a retry does not help
    │   ├── PasswordProtected · DamagedPdf · TruncatedPdf · NoPages · NoText · TooManyPages
    │   ├── TookTooLong · TookTooMuchMemory · TooMuchOutput · ParserCrashed
    │   ├── SameWork
    ├── Unavailable                  a dependency is unavailable; retry later
    │   ├── DatabaseUnavailable · VectorStoreUnavailable · BlobStoreUnavailable · ServiceNotReady
    │   │   ├── DatabaseRefused · DatabaseBusy · VectorStoreRefused · BlobStoreRefused
    ├── StoresDoNotMatch             correct the address of a store, or claim the stores
    ├── QueueFull                    the queue limit is reached (backpressure); retry later
    ├── InvalidSetting               change the configuration and start again
    ├── SchemaTooNew                 run the newer release
    ├── OcrUnavailable               install an OCR program, then process the paper again
    ├── SandboxUnavailable           use a newer kernel, or set read.sandbox to auto
    ├── WorkerCrashed                the worker process died; the task is retried in isolation
    │   ├── WorkerStalled
    ├── InternalError                a bug in the service; the log has the cause
    └── LeaseLost                    another worker owns the task; discard the result

All errors can be pickled to cross process boundaries: every constructor argument is passed to
`super().__init__`. The docstring of a class is its default message, which users see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from domain.wording import plural

_SHOWN_TITLE = 200  # characters


class PaperworksError(Exception):
    """An unspecified error occurred."""

    code: ClassVar[str] = "error"
    category: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False
    retry_after_seconds: ClassVar[int | None] = None  # set where a retry can succeed

    def __init__(self, message: str | None = None, page: int | None = None) -> None:
        super().__init__(message, page)
        self.message = message or " ".join((type(self).__doc__ or "").split())
        self.page = page

    def __str__(self) -> str:
        return self.message


class InvalidRequest(PaperworksError):
    """The request is invalid. Change it and send it again."""

    code, category = "invalid_request", "request"


class NotFound(InvalidRequest):
    """The requested resource does not exist."""

    code = "not_found"


class UnknownCollection(NotFound):
    """The collection does not exist. Upload a paper to create it, or list the collections."""

    code = "unknown_collection"


class Expired(InvalidRequest):
    """The record of that job was deleted after its retention time. Its papers are kept; find them
    in the library."""

    code = "expired"


class Conflict(InvalidRequest):
    """The request conflicts with the stored state. Nothing was changed."""

    code = "conflict"


class CollectionRenamed(Conflict):
    """Another collection got this name while the request was processed. Nothing of this request was
    kept. Send it again; it then goes to that collection."""

    code = "collection_renamed"


class PreconditionFailed(InvalidRequest):
    """The document has changed since its ETag was read. Nothing was changed. Get it again, and
    repeat the request with the new ETag."""

    code = "precondition_failed"


class QuotaExceeded(InvalidRequest):
    """The collection has a quota that these papers exceed. Nothing of this request was kept; delete
    papers of the collection, or ask an administrator to raise its quota."""

    code = "quota_exceeded"

    @classmethod
    def of(cls, collection: str, max_papers: int | None, max_bytes: int | None) -> QuotaExceeded:
        """Returns the error that states the quota of the collection."""
        given = ((max_papers, "paper"), (max_bytes, "byte"))
        limits = [plural(limit, unit) for limit, unit in given if limit is not None]
        return cls(
            f"The collection {collection!r} may have {' and '.join(limits)}; with these papers it "
            "would have more. Nothing of this request was kept. Delete papers of the collection, "
            "or ask an administrator to raise its quota."
        )


class RerankerNotConfigured(InvalidRequest):
    """The service has no reranker. Search without `rerank`, or set search.reranker
    (PAPERWORKS_SEARCH__RERANKER) and start the service again."""

    code = "reranker_not_configured"


class RefusedWebhookUrl(InvalidRequest):
    """The URL of a webhook must be an https:// URL of a public address, without a user name.
    Nothing was sent. Use another URL, or set webhooks.allow_private_addresses."""

    code = "refused_webhook_url"


class FoldersNotConfigured(InvalidRequest):
    """The service may not read folders. Upload the files, or set http.folders
    (PAPERWORKS_HTTP__FOLDERS) and start the service again."""

    code = "folders_not_configured"


class FolderNotAllowed(InvalidRequest):
    """The folder is not below one of the folders that the service may read (http.folders). Nothing
    was registered. Use a folder below one of them, as an absolute path without `..`."""

    code = "folder_not_allowed"


class FolderNotFound(NotFound):
    """The folder does not exist, or the service cannot see it. Nothing was registered. Check its
    path on the server and its permissions."""

    code = "folder_not_found"


class FolderUnreadable(InvalidRequest):
    """The service cannot read the folder. Papers registered before are kept. Give the service the
    permission to read it, and start another job."""

    code = "folder_unreadable"


class FolderWithoutPdf(InvalidRequest):
    """No PDF of the folder was accepted. The job lists the refused files."""

    code = "folder_without_pdf"


class RefusedUpload(InvalidRequest):
    """The file was not accepted."""

    code = "refused_upload"


class NotAPdf(RefusedUpload):
    """The file is not a PDF: its first 1,024 bytes contain no %PDF- header. Nothing was kept."""

    code = "not_a_pdf"


class EmptyFile(RefusedUpload):
    """The file is empty. Nothing was kept. Send it again if the upload was interrupted."""

    code = "empty_file"


class FileTooLarge(RefusedUpload):
    """The file is larger than this service accepts. Nothing was kept."""

    code = "file_too_large"


class BadDocument(PaperworksError):
    """The document cannot be processed."""

    code, category = "bad_document", "document"


class PasswordProtected(BadDocument):
    """The PDF needs a password. Remove the protection and upload it again."""

    code = "password_protected"


class DamagedPdf(BadDocument):
    """The PDF is damaged and could not be repaired. Export or download it again."""

    code = "damaged_pdf"


class TruncatedPdf(DamagedPdf):
    """The PDF is truncated: the end of the file is missing. Download it again and upload it."""


class NoPages(BadDocument):
    """The PDF has no pages."""

    code = "no_pages"


class NoText(BadDocument):
    """No page of the PDF has a text layer. Run it through OCR and upload the result."""

    code = "no_text"


class TooManyPages(BadDocument):
    """The PDF has more pages than this service accepts. Split it and upload the parts."""

    code = "too_many_pages"


class TookTooLong(BadDocument):
    """The PDF exceeded the time limit for one document. Print it to a new PDF, or raise
    read.limits."""

    code = "took_too_long"


class TookTooMuchMemory(BadDocument):
    """The PDF exceeded the memory limit for one document. Print it to a new PDF, or raise
    read.limits."""

    code = "took_too_much_memory"


class TooMuchOutput(BadDocument):
    """The content extracted from the PDF exceeds the size limit for one document. Split it and
    upload the parts, or raise read.limits."""

    code = "too_much_output"


class ParserCrashed(BadDocument):
    """The PDF crashes the parser; no other document is affected. Print it to a new PDF."""

    code = "parser_crashed"


class SameWork(BadDocument):
    """The collection has this work already and refuses other files of it. Nothing of the file is
    searchable. Set `duplicates` of the collection to keep or newest and retry the job, or delete
    the other document."""

    code = "same_work"

    @classmethod
    def of(cls, title: str | None, document_id: str, collection: str) -> SameWork:
        """Returns the error that names the copy in the collection."""
        named = f" as {title[:_SHOWN_TITLE]!r}" if title else ""
        return cls(
            f"The collection {collection!r} already has this work{named} ({document_id}) and "
            "refuses other files of it. Nothing of this file is searchable. To have both, set "
            "`duplicates` of the collection to keep, or to newest to replace the other, and retry "
            "the job."
        )


class Unavailable(PaperworksError):
    """A dependency of the service is unavailable. Accepted papers are kept. Try again later."""

    code, category, retryable = "unavailable", "dependency", True
    retry_after_seconds = 5


class DatabaseUnavailable(Unavailable):
    """The job database is unavailable or full. Accepted papers are kept. Try again in a few
    seconds."""

    code = "database_unavailable"


class DatabaseRefused(DatabaseUnavailable):
    """The database server refuses the connection. Accepted papers are kept. The operator must
    check DATABASE_URL, the password and the TLS settings; the log has the server's message."""

    code = "database_refused"


class DatabaseBusy(DatabaseUnavailable):
    """Another database session holds a lock on a required row. Accepted papers are kept. Try again
    in a few seconds."""

    code = "database_busy"


class VectorStoreUnavailable(Unavailable):
    """The vector store is unavailable or full. Accepted papers are kept. Try again in a few
    seconds."""

    code = "vector_store_unavailable"


class VectorStoreRefused(VectorStoreUnavailable):
    """The vector store refuses access. Accepted papers are kept. The operator must check
    MILVUS_URI, its token and its database; the log has the cause."""

    code = "vector_store_refused"


class BlobStoreUnavailable(Unavailable):
    """The blob store is unavailable or full. This file was not accepted. Try again in a few
    seconds."""

    code = "blob_store_unavailable"


class BlobStoreRefused(BlobStoreUnavailable):
    """The blob store is missing or refuses access. This file was not accepted. The operator must
    check BLOB_URI, the credentials and the permissions; the log has the cause."""

    code = "blob_store_refused"


class ServiceNotReady(Unavailable):
    """The service or one of its components is still starting. Try again in a few seconds."""

    code = "not_ready"


class IdempotencyKeyReused(InvalidRequest):
    """The Idempotency-Key was used for a different request. Nothing of this request was kept. Send
    it with a new key."""

    code = "idempotency_key_reused"


class StoresDoNotMatch(PaperworksError):
    """PostgreSQL, Milvus and the blob store do not belong to the same library. Nothing was changed
    and nothing of this request was kept. Correct DATABASE_URL, MILVUS_URI or BLOB_URI, or see
    docs/consistency.md to join the stores on purpose."""

    code, category = "stores_do_not_match", "installation"


class QueueFull(PaperworksError):
    """The queue of this collection is full. Nothing of this request was kept; papers accepted
    before are. Send it again later, or raise jobs.queue_limit."""

    code, category, retryable = "queue_full", "request", True
    retry_after_seconds = 10


class InvalidSetting(PaperworksError):
    """A setting is invalid. Change it and start the service again."""

    code, category = "invalid_setting", "installation"


class SchemaTooNew(PaperworksError):
    """The database was migrated by a newer release. Nothing was changed. Run that release, or
    restore a backup made before its start."""

    code, category = "schema_too_new", "installation"


class OcrUnavailable(PaperworksError):
    """The paper has scanned pages and no OCR program is installed. Install tesseract-ocr (or the
    Python package rapidocr) and process the paper again."""

    code, category = "ocr_unavailable", "installation"


class SandboxUnavailable(PaperworksError):
    """The kernel of this machine cannot sandbox the PDF parser, and read.sandbox is require. No PDF
    was processed. Use a newer kernel, or set read.sandbox to auto."""

    code, category = "sandbox_unavailable", "installation"


class WorkerCrashed(PaperworksError):
    """The worker process of this document died."""

    code, category, retryable = "worker_crashed", "internal", True


class WorkerStalled(WorkerCrashed):
    """The worker process of this document reported no progress within jobs.stall_seconds."""

    code = "worker_stalled"


class InternalError(PaperworksError):
    """An internal error stopped this document; the log has the cause."""

    code, category, retryable = "internal_error", "internal", True


class LeaseLost(PaperworksError):
    """Another worker owns the task; this result is discarded."""

    code = "lease_lost"


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as stored with a task: stable code, category, and a message that is safe to show."""

    code: str
    category: str
    message: str
    retryable: bool
    page: int | None = None


def failure_of(error: BaseException) -> Failure:
    """Returns the failure to record for an exception; of unknown types only the name is shown."""
    if not isinstance(error, PaperworksError):
        name = type(error).__name__
        error = InternalError(f"An unexpected {name} stopped this document; the log has the cause.")
    return Failure(error.code, error.category, error.message, error.retryable, error.page)
