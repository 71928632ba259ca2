"""Rules of cancel and retry: the outcome for each task and its document.

Shared by the PostgreSQL store and the in-memory fake, so that both behave the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.documents import Document, DocumentStatus
from domain.errors import Conflict, Failure
from domain.jobs import Step, Task, TaskStatus

Version = tuple[str, int]  # a document and one of its versions


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Result of a cancel: the number of cancelled tasks, and the versions to delete."""

    tasks: int = 0
    left_over: tuple[Version, ...] = ()


@dataclass(frozen=True, slots=True)
class IncompleteTask:
    """A task that failed, or that completed with pages that could not be processed."""

    task: Task
    pages_failed: tuple[int, ...] = ()


class CancelOutcome(StrEnum):
    """The outcome of a cancelled task for its document."""

    AS_IS = "as_is"  # the document is unchanged; the output of the task is deleted
    SHARED = "shared"  # another task continues with this version: nothing changes
    KEPT = "kept"  # the searchable content is kept and the document is marked for review
    CANCELLED = "cancelled"  # the document is cancelled together with its task


def not_ended(job_id: str) -> Conflict:
    """Returns the error for a job whose failures are acknowledged before it has ended."""
    return Conflict(
        f"Job {job_id} has not ended. Nothing was changed; acknowledge its failures afterwards."
    )


def cancel_outcome(
    task: Task, document: Document, *, is_shared: bool, keep_chunks: bool
) -> CancelOutcome:
    """Returns the outcome for the document of a cancelled open task.

    A cancel never removes content that was searchable before the task was created.
    """
    if is_shared:
        return CancelOutcome.SHARED
    if document.version != task.version:
        return CancelOutcome.AS_IS
    if document.status is DocumentStatus.PROCESSING:
        return CancelOutcome.CANCELLED
    if document.status is not DocumentStatus.READY:
        return CancelOutcome.AS_IS
    was_searchable = document.searchable_at is not None and document.searchable_at < task.created_at
    return CancelOutcome.KEPT if keep_chunks or was_searchable else CancelOutcome.CANCELLED


def pages_failed(task: Task, document: Document) -> tuple[int, ...]:
    """Returns the pages that the task failed to process; empty unless its version is searchable."""
    completed_by_task = task.status is TaskStatus.COMPLETED and document.version == task.version
    if document.status is not DocumentStatus.READY or not completed_by_task:
        return ()
    return tuple(document.quality.get("pages_failed", ()))


def restart_step(task: Task, document: Document) -> Step | None:
    """Returns the step at which a retry resumes; None if there is nothing to retry.

    The step is the last checkpoint of the task, OCR for failed pages of a completed task, or the
    first step.
    """
    if document.status is DocumentStatus.DELETED:
        return None
    if task.status is TaskStatus.COMPLETED:
        return Step.OCR if pages_failed(task, document) else None
    is_searchable = document.status is DocumentStatus.READY and document.version == task.version
    return task.step if is_searchable else Step.READ_TEXT


def starts_over(document: Document) -> bool:
    """True if a retry restarts the document: it is neither searchable nor being processed."""
    return document.status in (DocumentStatus.FAILED, DocumentStatus.CANCELLED)


def needs_new_version(task: Task, document: Document) -> bool:
    """True if a retry must write a new version.

    Late writes of the cancelled task, and their deletion, must not interfere with the new writes.
    """
    is_older = document.status is DocumentStatus.READY and document.version < task.version
    return starts_over(document) or is_older


def cancelled_by(actor: str) -> Failure:
    """Returns the error of a task whose job was cancelled by this actor."""
    message = f"Cancelled by {actor}. To read the paper, retry the job."
    return Failure("cancelled", "request", message, retryable=False)


def deleted_by(actor: str) -> Failure:
    """Returns the error of a task whose paper was deleted by this actor."""
    message = f"The paper was deleted by {actor} before it was read. To read it, upload it again."
    return Failure("deleted", "request", message, retryable=False)
