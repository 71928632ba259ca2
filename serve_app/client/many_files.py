"""An upload of many files in several requests: their sizes, and what became of each file."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from http import HTTPStatus

from pydantic import BaseModel, Field

from domain.errors import RefusedUpload
from domain.labels import upload_label
from serve_app.client.errors import PaperworksProblem
from serve_app.schemas.core import AcceptedFile, RefusedFile, UploadsAccepted
from serve_app.uploads.pdf_paths import PdfPath, size_of

MAX_REQUEST_FILES, MAX_REQUEST_BYTES = 50, 64 * 1024 * 1024  # a lost connection costs little
OF_ONE_REQUEST = (HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
NOT_SENT = "not_sent"


class FilesUploaded(BaseModel):
    """The jobs of an upload, one per request, and each file as accepted or refused.

    Files that could not be read are refused with the code refused_upload, files of a request that
    failed with the code of its problem, and those after it with the code not_sent.
    """

    job_ids: list[str] = Field(default_factory=list)
    accepted: list[AcceptedFile] = Field(default_factory=list)
    refused: list[RefusedFile] = Field(default_factory=list)

    def add(self, part: FilesUploaded) -> None:
        """Appends another result."""
        self.job_ids += part.job_ids
        self.accepted += part.accepted
        self.refused += part.refused


OnPart = Callable[[FilesUploaded], object]


class FilesUpload:
    """Divides files into requests, and collects the results of these."""

    def __init__(self, files: Iterable[PdfPath]) -> None:
        self.result = FilesUploaded()
        self._part = FilesUploaded()
        self._waiting = deque(files)
        self._max_files = MAX_REQUEST_FILES

    def next_request(self) -> list[PdfPath]:
        """Returns the files of the next request, none at the end; refuses unreadable files."""
        batch, size = list[PdfPath](), 0
        while self._waiting and len(batch) < self._max_files:
            try:
                size += size_of(self._waiting[0])
            except RefusedUpload as error:
                self._refuse([self._waiting.popleft()], error.code, error.message)
                continue
            if batch and size > MAX_REQUEST_BYTES:
                break
            batch.append(self._waiting.popleft())
        return batch

    def accept(self, response: UploadsAccepted) -> None:
        """Adds the response to a request."""
        self._part.job_ids.append(response.job_id)
        self._part.accepted += response.accepted
        self._part.refused += response.refused

    def fail(self, batch: list[PdfPath], error: PaperworksProblem | OSError) -> None:
        """Refuses the files of a request that failed, or sends them again in smaller requests.

        Any other request would fail too after some problems. These refuse all files that are left,
        and are raised if no file was accepted before.
        """
        if refused := _refused_in(error):
            self._part.refused += refused
        elif len(batch) > 1 and _may_be_of_one_file(error):
            self._max_files = len(batch) // 2
            self._waiting.extendleft(reversed(batch))
        elif isinstance(error, OSError):
            self._refuse(batch, RefusedUpload.code, f"The file cannot be read: {error.strerror}.")
        elif error.status in OF_ONE_REQUEST:
            self._refuse(batch, error.code, error.detail)
        else:
            self._end(batch, error)

    def report(self, on_part: OnPart | None) -> None:
        """Adds what happened since the last call to the result; calls `on_part` with it."""
        part, self._part = self._part, FilesUploaded()
        self.result.add(part)
        if on_part and (part.job_ids or part.refused):
            on_part(part)

    def _end(self, batch: list[PdfPath], problem: PaperworksProblem) -> None:
        if not self.result.job_ids:
            raise problem
        self._refuse(batch, problem.code, problem.detail)
        reason = (
            f"The file was not sent, because an earlier request failed ({problem.code}). Files "
            "accepted before are kept. Upload all again later; those are not stored twice."
        )
        self._refuse(self._waiting, NOT_SENT, reason)
        self._waiting.clear()

    def _refuse(self, files: Iterable[PdfPath], code: str, detail: str) -> None:
        self._part.refused += [
            RefusedFile(filename=upload_label(file.name), code=code, detail=detail)
            for file in files
        ]


def _refused_in(error: PaperworksProblem | OSError) -> list[RefusedFile]:
    """Returns the files of a request of which the service has refused each."""
    if isinstance(error, OSError) or error.problem is None:
        return []
    return list(error.problem.refused or ())


def _may_be_of_one_file(error: PaperworksProblem | OSError) -> bool:
    """True for a request that is too large, and for a file that can no longer be read."""
    if isinstance(error, OSError):
        return True
    return error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
