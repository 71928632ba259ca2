"""Cancel and retry: what becomes of each task and of its document.

Both stores ask these rules, so that they cannot answer differently.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.documents import Document, DocumentStatus
from domain.jobs import Step, Task, TaskStatus

Version = tuple[str, int]  # a document and one of its versions


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a cancel ended: how many tasks, and the versions that go into the deletion queue."""

    tasks: int = 0
    left_over: tuple[Version, ...] = ()


@dataclass(frozen=True, slots=True)
class IncompleteTask:
    """A task that did not do all it should: it failed, or pages of its paper could not be read."""

    task: Task
    pages_failed: tuple[int, ...] = ()


class CancelOutcome(StrEnum):
    """What a cancelled task leaves behind."""

    AS_IS = "as_is"  # the document stays what it was; what the task wrote is not wanted
    SHARED = "shared"  # another task goes on with this version: nothing changes
    KEPT = "kept"  # what can be searched stays so, and somebody should have a look at it
    CANCELLED = "cancelled"  # the document is cancelled with its task


def cancel_outcome(
    task: Task, document: Document, *, is_shared: bool, keep_chunks: bool
) -> CancelOutcome:
    """What becomes of the document of an open task that is cancelled.

    A cancel never takes away what could be searched before the task came.
    """
    if is_shared:
        return CancelOutcome.SHARED
    if document.version != task.version:
        return CancelOutcome.AS_IS
    if document.status is DocumentStatus.PROCESSING:
        return CancelOutcome.CANCELLED
    if document.status is not DocumentStatus.READY:
        return CancelOutcome.AS_IS
    was_there = document.searchable_at is not None and document.searchable_at < task.created_at
    return CancelOutcome.KEPT if keep_chunks or was_there else CancelOutcome.CANCELLED


def pages_failed(task: Task, document: Document) -> tuple[int, ...]:
    """The pages that the task could not read, of a paper that can be searched otherwise."""
    is_its_work = task.status is TaskStatus.COMPLETED and document.version == task.version
    if document.status is not DocumentStatus.READY or not is_its_work:
        return ()
    return tuple(document.quality.get("pages_failed", ()))


def restart_step(task: Task, document: Document) -> Step | None:
    """Where a retry takes the task up: at its last checkpoint, at the pages that failed, or at the
    beginning; None when there is nothing to do again."""
    if document.status is DocumentStatus.DELETED:
        return None
    if task.status is TaskStatus.COMPLETED:
        return Step.OCR if pages_failed(task, document) else None
    is_shown = document.status is DocumentStatus.READY and document.version == task.version
    return task.step if is_shown else Step.READ_TEXT


def starts_over(document: Document) -> bool:
    """True when a retry begins the document anew: nothing of it can be searched or is at work."""
    return document.status in (DocumentStatus.FAILED, DocumentStatus.CANCELLED)


def needs_new_version(task: Task, document: Document) -> bool:
    """True when a retry must write another version than the task did: late writes of a cancelled
    one, and their removal, must not meet the new ones."""
    behind = document.status is DocumentStatus.READY and document.version < task.version
    return starts_over(document) or behind
