"""Every call to the API as a value: what to send, what comes back. Both clients send these."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Generic, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from domain.jobs import WaitFor
from serve_app.schemas import core as schemas

R = TypeVar("R", bound=BaseModel | str | bytes | None)
PREFIX = "/api/v1"
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
LATER_STATUSES = (429, 503)  # the queue is full; something is away
CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 60.0


class PaperworksProblem(Exception):
    """The service answered with a problem; `code` is stable, `detail` says what to do."""

    def __init__(
        self, status: int, code: str, detail: str, problem: schemas.Problem | None = None
    ) -> None:
        super().__init__(status, code, detail, problem)
        self.status, self.code, self.detail, self.problem = status, code, detail, problem

    def __str__(self) -> str:
        return self.detail


class ServiceUnreachable(PaperworksProblem):
    """Nothing answers at the address; `status` is 0. `was_sent`: the service may have heard it."""

    def __init__(self, url: str, reason: str, was_sent: bool = True) -> None:
        detail = (
            f"Nothing answers at {url} ({reason}). What was accepted before is kept. "
            "Start the service with `paperworks up`, or name it by --url or PAPERWORKS_URL."
        )
        super().__init__(0, "unreachable", detail)
        self.args = (url, reason, was_sent)
        self.was_sent = was_sent


Reply = httpx.Response | ServiceUnreachable


@dataclass(frozen=True, slots=True)
class PdfFile:
    """A file to send: a path, or bytes under a name."""

    name: str
    content: Path | bytes

    @classmethod
    def of(cls, source: Path | str | bytes, name: str | None = None) -> PdfFile:
        """The file at a path, or these bytes under `name`."""
        if isinstance(source, bytes):
            return cls(name or "untitled.pdf", source)
        return cls(name or Path(source).name, Path(source))


@dataclass(frozen=True, slots=True)
class ApiRequest(Generic[R]):
    """One request and the type of its answer: `str` or `bytes` for a file, None for no body."""

    method: str
    path: str
    answer: type[R] | None
    params: dict[str, Any] = field(default_factory=dict)
    json: Any = None
    form: dict[str, str] = field(default_factory=dict)
    files: tuple[tuple[str, PdfFile], ...] = ()
    headers: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def arguments(self) -> Iterator[dict[str, Any]]:
        """Keyword arguments of an httpx request; files are opened anew for every attempt."""
        with ExitStack() as opened:
            given: dict[str, Any] = {
                "params": {name: value for name, value in self.params.items() if value is not None},
                "headers": self.headers,
            }
            if self.json is not None:
                given["json"] = self.json
            if self.files:
                given["data"] = self.form
                given["files"] = [
                    (name, (file.name, _content(opened, file), "application/pdf"))
                    for name, file in self.files
                ]
            yield given

    def read(self, response: Reply) -> R:
        """The answer. Raises PaperworksProblem."""
        if isinstance(response, ServiceUnreachable):
            raise response
        if response.is_error:
            raise problem_of(response)
        answer: Any = self.answer
        if answer is str:
            return response.content.decode("utf-8")  # pyright: ignore[reportReturnType]
        if answer is bytes:
            return response.content  # pyright: ignore[reportReturnType]
        return answer and answer.model_validate_json(response.content)


@dataclass(slots=True)
class RetryPolicy:
    """How often a call is repeated while the service says "later", and the pause before it.

    A service that `has_answered` before and refuses connections is being replaced: that takes a few
    seconds. Where nobody has ever answered, the address is wrong.
    """

    retries: int = 4
    has_answered: bool = False
    used: int = 0

    def pause_seconds(self, outcome: Reply) -> float | None:
        """Seconds to wait before the next attempt, None when the outcome is final."""
        if not self._is_worth_it(outcome) or self.used >= self.retries:
            return None
        self.used += 1
        if isinstance(outcome, ServiceUnreachable):
            return FIRST_PAUSE_SECONDS * 2 ** (self.used - 1)
        asked = outcome.headers.get("retry-after", "")
        return min(float(asked) if asked.isdecimal() else 2.0, LONGEST_PAUSE_SECONDS)

    def _is_worth_it(self, outcome: Reply) -> bool:
        if isinstance(outcome, ServiceUnreachable):
            return self.has_answered and not outcome.was_sent
        self.has_answered = True
        return outcome.status_code in LATER_STATUSES


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment after which waiting ends; None never comes."""

    at: float | None

    @classmethod
    def after(cls, seconds: float | None) -> Deadline:
        return cls(None if seconds is None else time.monotonic() + seconds)

    @property
    def has_passed(self) -> bool:
        return self.at is not None and time.monotonic() >= self.at

    def at_most(self, seconds: float) -> float:
        """`seconds`, or what is left if that is less."""
        return seconds if self.at is None else max(0.0, min(seconds, self.at - time.monotonic()))


def timeout() -> httpx.Timeout:
    """Short to connect, long enough for an answer that waits."""
    return httpx.Timeout(ANSWER_SECONDS + 30, connect=CONNECT_SECONDS)


def problem_of(response: httpx.Response) -> PaperworksProblem:
    """The exception for an error response, ours or that of something in between."""
    try:
        problem = schemas.Problem.model_validate_json(response.content)
    except ValidationError:
        text = response.text.strip()[:300] or response.reason_phrase
        detail = f"The service answered {response.status_code}: {text}"
        return PaperworksProblem(response.status_code, "http_error", detail)
    return PaperworksProblem(response.status_code, problem.code, problem.detail, problem)


def unreachable(base_url: httpx.URL | str, error: httpx.TransportError) -> ServiceUnreachable:
    """The exception for a request that got no answer."""
    reason, was_sent = str(error) or type(error).__name__, not isinstance(error, httpx.ConnectError)
    return ServiceUnreachable(str(base_url).rstrip("/"), reason, was_sent)


# --- the calls


def upload(file: PdfFile, collection: str, on_duplicate: str) -> ApiRequest[schemas.UploadAccepted]:
    """One file, acknowledged at once."""
    form = {"collection": collection, "on_duplicate": on_duplicate}
    files = (("file", file),)
    return ApiRequest(
        "POST", f"{PREFIX}/upload-async", schemas.UploadAccepted, form=form, files=files
    )


def upload_many(
    files: Sequence[PdfFile], collection: str, on_duplicate: str, idempotency_key: str | None
) -> ApiRequest[schemas.UploadsAccepted]:
    """Many files as one job; a key of its own makes repeating it after a lost answer harmless."""
    return ApiRequest(
        "POST",
        f"{PREFIX}/documents",
        schemas.UploadsAccepted,
        form={"collection": collection, "on_duplicate": on_duplicate},
        files=tuple(("files", file) for file in files),
        headers={"Idempotency-Key": idempotency_key or uuid.uuid4().hex},
    )


def job(job_id: str, wait_seconds: float, until: WaitFor) -> ApiRequest[schemas.Job]:
    """A job, when it is so far or after `wait_seconds`."""
    params = {"wait": round(wait_seconds, 3) or None, "until": str(until)}
    return ApiRequest("GET", job_path(job_id), schemas.Job, params=params)


def jobs(**params: Any) -> ApiRequest[schemas.Listed[schemas.JobSummary]]:
    """A page of jobs."""
    return ApiRequest("GET", f"{PREFIX}/jobs", schemas.Listed[schemas.JobSummary], params=params)


def cancel(job_id: str, keep_chunks: bool) -> ApiRequest[schemas.CancelAccepted]:
    """Ends a job."""
    params = {"keep_chunks": keep_chunks or None}
    return ApiRequest("POST", job_path(job_id, "/cancel"), schemas.CancelAccepted, params=params)


def retry(job_id: str) -> ApiRequest[schemas.RetryAccepted]:
    """Takes up what failed."""
    return ApiRequest("POST", job_path(job_id, "/retry"), schemas.RetryAccepted)


def failures(job_id: str, **params: Any) -> ApiRequest[schemas.Listed[schemas.IncompleteTask]]:
    """A page of what went wrong in a job."""
    path = job_path(job_id, "/failures")
    return ApiRequest("GET", path, schemas.Listed[schemas.IncompleteTask], params=params)


def search(query: str, **wishes: Any) -> ApiRequest[schemas.SearchResult]:
    """The passages that answer a query; the service judges the wishes, not this client."""
    body = {"query": query, **{name: wish for name, wish in wishes.items() if wish is not None}}
    return ApiRequest("POST", f"{PREFIX}/search", schemas.SearchResult, json=body)


def documents(**params: Any) -> ApiRequest[schemas.Listed[schemas.Document]]:
    """A page of documents."""
    return ApiRequest("GET", f"{PREFIX}/documents", schemas.Listed[schemas.Document], params=params)


def document(document_id: str) -> ApiRequest[schemas.Document]:
    """A document."""
    return ApiRequest("GET", document_path(document_id), schemas.Document)


def chunks(document_id: str, **params: Any) -> ApiRequest[schemas.Listed[schemas.Chunk]]:
    """A page of a document's passages."""
    path = document_path(document_id, "/chunks")
    return ApiRequest("GET", path, schemas.Listed[schemas.Chunk], params=params)


def delete(document_id: str) -> ApiRequest[None]:
    """Deletes a document."""
    return ApiRequest("DELETE", document_path(document_id), None)


def delete_collection(name: str) -> ApiRequest[None]:
    """Deletes a collection and its documents."""
    return ApiRequest("DELETE", f"{PREFIX}/collections/{quote(name, safe='')}", None)


def collections() -> ApiRequest[schemas.Collections]:
    """Every collection."""
    return ApiRequest("GET", f"{PREFIX}/collections", schemas.Collections)


def job_path(job_id: str, part: str = "") -> str:
    """The path of a job or of a part of it."""
    return f"{PREFIX}/jobs/{quote(job_id, safe='')}{part}"


def document_path(document_id: str, part: str = "") -> str:
    """The path of a document or of a part of it."""
    return f"{PREFIX}/documents/{quote(document_id, safe='')}{part}"


def _content(opened: ExitStack, file: PdfFile) -> bytes | IO[bytes]:
    if isinstance(file.content, bytes):
        return file.content
    return opened.enter_context(file.content.open("rb"))
