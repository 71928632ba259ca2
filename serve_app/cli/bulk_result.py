"""What `paperworks bulk` reports at the end: an exit status, and one JSON document."""

from __future__ import annotations

from pydantic import BaseModel

from serve_app.schemas.core import JobSummary, RefusedFile


class BulkResult(BaseModel):
    """The files of a folder.

    `new` and `known` files are papers of the jobs; `known` ones were in the collection before.
    `refused` lists some of the `refused_files`. `jobs` are those that the command has waited for.
    """

    collection: str
    job_ids: list[str]
    new: int
    known: int
    refused_files: int
    refused: list[RefusedFile]
    jobs: list[JobSummary]

    @property
    def exit_status(self) -> int:
        """0 if every file is searchable (accepted, if no job was waited for), else 1."""
        return 1 if self.refused_files or has_unread_papers(self.jobs) else 0


class ZoteroResult(BaseModel):
    """The entries of an export of Zotero.

    `changed` papers got other metadata or tags. `unreadable` entries could not be parsed, `missing`
    files do not exist. `problems` are the messages about both and about refused PDFs and metadata.
    `jobs` are those that the command has waited for.
    """

    collection: str
    job_ids: list[str]
    new: int
    changed: int
    unchanged: int
    without_pdf: int
    missing: int
    unreadable: int
    refused: int
    problems: list[str]
    jobs: list[JobSummary]

    @property
    def exit_status(self) -> int:
        """0 if every PDF of the export is in the collection (searchable, if waited for), else 1."""
        lacking = self.missing + self.unreadable + self.refused
        return 1 if lacking or has_unread_papers(self.jobs) else 0


def has_unread_papers(jobs: list[JobSummary]) -> bool:
    """True if a paper of the jobs failed or was cancelled."""
    return any(job.status != "completed" for job in jobs)
