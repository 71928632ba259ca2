"""What can go wrong, named by what the caller does next.

    PaperworksError
    ├── InvalidRequest               change the request
    │   ├── NotFound                 it was never here
    │   │   └── UnknownCollection
    │   ├── Expired                  it was here, its record is gone
    │   ├── Conflict                 it clashes with what is here
    │   ├── IdempotencyKeyReused     send it with a new key
    │   └── RefusedUpload            send another file
    │       ├── NotAPdf · EmptyFile · FileTooLarge
    ├── BadDocument                  the file itself cannot be read; a retry changes nothing
    │   ├── PasswordProtected · DamagedPdf · NoPages · NoText · TooManyPages
    │   ├── TookTooLong · TookTooMuchMemory · TooMuchOutput · ParserCrashed
    ├── Unavailable                  something we depend on is away; wait and try again
    │   ├── DatabaseUnavailable · VectorStoreUnavailable · BlobStoreUnavailable · ServiceNotReady
    │   │   ├── DatabaseRefused · DatabaseBusy · VectorStoreRefused · BlobStoreRefused
    ├── StoresDoNotMatch             correct the address of a store, or claim the stores
    ├── QueueFull                    enough work waits already; send it again later
    ├── InvalidSetting               change the configuration and start again
    ├── SchemaTooNew                 run the newer release
    ├── OcrUnavailable               install an OCR program, then process the paper again
    ├── SandboxUnavailable           run it on a newer kernel, or set read.sandbox to auto
    ├── WorkerCrashed                the process at work died; the task is tried again, alone
    │   ├── WorkerStalled
    ├── InternalError                our mistake; the log has the cause
    └── LeaseLost                    somebody else owns the task; throw the work away

Every error crosses process borders: all arguments go to `super().__init__`, so that pickle can
make it anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class PaperworksError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"
    category: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False
    retry_after_seconds: ClassVar[int | None] = None  # where trying again helps

    def __init__(self, message: str | None = None, page: int | None = None) -> None:
        super().__init__(message, page)
        self.message = message or " ".join((type(self).__doc__ or "").split())
        self.page = page

    def __str__(self) -> str:
        return self.message


class InvalidRequest(PaperworksError):
    """The request cannot be answered as it stands."""

    code, category = "invalid_request", "request"


class NotFound(InvalidRequest):
    """There is nothing of that name here."""

    code = "not_found"


class UnknownCollection(NotFound):
    """There is no collection of that name; upload a paper to it first, or list the collections."""

    code = "unknown_collection"


class Expired(InvalidRequest):
    """The record of that job has been cleaned up; its papers are still in the library."""

    code = "expired"


class Conflict(InvalidRequest):
    """The request clashes with what is already here."""

    code = "conflict"


class RefusedUpload(InvalidRequest):
    """The file was not accepted."""

    code = "refused_upload"


class NotAPdf(RefusedUpload):
    """The file is not a PDF: its first 1,024 bytes hold no %PDF- header. Nothing was kept."""

    code = "not_a_pdf"


class EmptyFile(RefusedUpload):
    """The file is empty. Nothing was kept; send it again if the upload was cut off."""

    code = "empty_file"


class FileTooLarge(RefusedUpload):
    """The file is larger than this service accepts. Nothing was kept."""

    code = "file_too_large"


class BadDocument(PaperworksError):
    """The document cannot be read."""

    code, category = "bad_document", "document"


class PasswordProtected(BadDocument):
    """The PDF needs a password. Remove the protection and upload it again."""

    code = "password_protected"


class DamagedPdf(BadDocument):
    """The PDF is damaged and could not be repaired. Export or download it again."""

    code = "damaged_pdf"


class NoPages(BadDocument):
    """The PDF has no pages."""

    code = "no_pages"


class NoText(BadDocument):
    """No page of the PDF has a text layer. Run it through OCR and upload the result."""

    code = "no_text"


class TooManyPages(BadDocument):
    """The PDF has more pages than this service reads in one. Split it and upload the parts."""

    code = "too_many_pages"


class TookTooLong(BadDocument):
    """The PDF took longer to read than one document may; some page of it may never end. Print it to
    a new PDF, or raise read.limits."""

    code = "took_too_long"


class TookTooMuchMemory(BadDocument):
    """The PDF needs more memory to read than one document may have. Print it to a new PDF, or raise
    read.limits."""

    code = "took_too_much_memory"


class TooMuchOutput(BadDocument):
    """What was read from the PDF is larger than one document may be. Split it and upload the parts,
    or raise read.limits."""

    code = "too_much_output"


class ParserCrashed(BadDocument):
    """The PDF crashes the program that reads it; nothing else was harmed. Print it to a new PDF."""

    code = "parser_crashed"


class Unavailable(PaperworksError):
    """Something this service depends on is away; what was accepted is kept. Try again later."""

    code, category, retryable = "unavailable", "dependency", True
    retry_after_seconds = 5


class DatabaseUnavailable(Unavailable):
    """The job database is away or full; what was accepted is kept. Try again in a few seconds."""

    code = "database_unavailable"


class DatabaseRefused(DatabaseUnavailable):
    """The database server refuses the connection; what was accepted is kept. The operator must
    check DATABASE_URL, the password and the TLS settings; the log has the server's words."""

    code = "database_refused"


class DatabaseBusy(DatabaseUnavailable):
    """Another database session holds a row that is needed; what was accepted is kept. Try again in
    a few seconds."""

    code = "database_busy"


class VectorStoreUnavailable(Unavailable):
    """The vector store is away or full; what was accepted is kept. Try again in a few seconds."""

    code = "vector_store_unavailable"


class VectorStoreRefused(VectorStoreUnavailable):
    """The vector store refuses access; what was accepted is kept. The operator must check
    MILVUS_URI, its token and its database; the log has the cause."""

    code = "vector_store_refused"


class BlobStoreUnavailable(Unavailable):
    """The file store is away or full; this file was not accepted. Try again in a few seconds."""

    code = "blob_store_unavailable"


class BlobStoreRefused(BlobStoreUnavailable):
    """The file store is missing or refuses access; this file was not accepted. The operator must
    check BLOB_URI, the credentials and the permissions; the log has the cause."""

    code = "blob_store_refused"


class ServiceNotReady(Unavailable):
    """The service, or a part of it, is still starting. Try again in a few seconds."""

    code = "not_ready"


class IdempotencyKeyReused(InvalidRequest):
    """That Idempotency-Key belongs to another request. Nothing of this one was kept; send it with a
    new key."""

    code = "idempotency_key_reused"


class StoresDoNotMatch(PaperworksError):
    """PostgreSQL, Milvus and the blob store do not belong to the same library. Nothing was changed,
    nothing of this request was kept. Correct DATABASE_URL, MILVUS_URI or BLOB_URI, or see
    docs/consistency.md to join the stores on purpose."""

    code, category = "stores_do_not_match", "installation"


class QueueFull(PaperworksError):
    """Enough papers of this collection wait to be read. Nothing of this request was kept, what was
    accepted before is; send it again later, or raise jobs.queue_limit."""

    code, category, retryable = "queue_full", "request", True
    retry_after_seconds = 10


class InvalidSetting(PaperworksError):
    """A setting cannot be used as it stands. Change it and start the service again."""

    code, category = "invalid_setting", "installation"


class SchemaTooNew(PaperworksError):
    """The database was migrated by a newer release. Nothing was changed; run that release, or
    restore a backup made before its start."""

    code, category = "schema_too_new", "installation"


class OcrUnavailable(PaperworksError):
    """The paper has scanned pages and no OCR program is installed. Install tesseract-ocr (or the
    Python package rapidocr) and process the paper again."""

    code, category = "ocr_unavailable", "installation"


class SandboxUnavailable(PaperworksError):
    """This machine's kernel cannot confine the process that reads PDFs, and read.sandbox is
    require. Nothing was read. Use a newer kernel, or set read.sandbox to auto."""

    code, category = "sandbox_unavailable", "installation"


class WorkerCrashed(PaperworksError):
    """The process that worked on this document died."""

    code, category, retryable = "worker_crashed", "internal", True


class WorkerStalled(WorkerCrashed):
    """Nothing was heard of the process that worked on this document for too long."""

    code = "worker_stalled"


class InternalError(PaperworksError):
    """The service made a mistake with this document; the log has the cause."""

    code, category, retryable = "internal_error", "internal", True


class LeaseLost(PaperworksError):
    """The task has another owner now; this work is thrown away."""

    code = "lease_lost"


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as a task remembers it: stable code, category, message that is safe to show."""

    code: str
    category: str
    message: str
    retryable: bool
    page: int | None = None


def failure_of(error: BaseException) -> Failure:
    """The failure to record for any exception; an unknown one shows its type name only."""
    if isinstance(error, PaperworksError):
        return Failure(error.code, error.category, error.message, error.retryable, error.page)
    unknown = InternalError(
        f"An unexpected {type(error).__name__} stopped this document; the log has the cause."
    )
    return failure_of(unknown)
