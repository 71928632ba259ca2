"""Folder jobs: the registration of a folder that the server reads, as a job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.errors import Failure
from domain.jobs import Record

FOLDER = "folder"
"""The kind of a job whose files come from a folder."""
MAX_LISTED_REFUSALS = 100
CANCELLED = Failure(
    "cancelled",
    "request",
    "The job was cancelled before every file of the folder was registered. To register the others, "
    "start another job for the folder; files that the collection has are not processed twice.",
    retryable=False,
)
"""The error of a registration whose job was cancelled."""


class RefusedFile(Record):
    """A file of the folder that was not accepted; `filename` is its path below the folder."""

    filename: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Registration:
    """The progress of a registration: the numbers of admitted files, of those of them that were
    `known` before, and of refused files, of which the first MAX_LISTED_REFUSALS are listed."""

    registered: int = 0
    known: int = 0
    refused_files: int = 0
    refused: tuple[RefusedFile, ...] = ()


class FolderJob(Record):
    """The registration of a folder, or of a prefix of a bucket.

    `lease_token` is the fencing token: each claim increments it. `actor` asked for the job. `error`
    is the reason if the registration ended early.
    """

    job_id: str
    folder: str
    collection: str
    actor: str
    lease_token: int = 0
    registered: int = 0
    known: int = 0
    refused_files: int = 0
    refused: tuple[RefusedFile, ...] = ()
    finished_at: datetime | None = None
    error: Failure | None = None
