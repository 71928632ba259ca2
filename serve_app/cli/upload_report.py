"""What became of the files of an upload: lines while it runs, or one JSON document at the end."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.wording import outcome_of_files, plural
from serve_app.cli.common import print_error, print_line
from serve_app.client.many_files import FilesUploaded
from serve_app.schemas.core import Job


class UploadResult(FilesUploaded):
    """The JSON document. `jobs` are complete if the command has waited for them, else empty."""

    collection: str
    jobs: list[Job]


@dataclass(slots=True)
class UploadReport:
    """Collects the results of the files, and prints a line for each unless `as_json`."""

    collection: str
    as_json: bool = False
    uploaded: FilesUploaded = field(default_factory=FilesUploaded)
    ended: list[Job] = field(default_factory=list)

    def add(self, part: FilesUploaded) -> None:
        """Reports the files of a request; refused ones on stderr."""
        self.uploaded.add(part)
        if not self.as_json:
            self._print_accepted(part)
        for file in part.refused:
            print_error(f"{file.filename}: refused ({file.code}): {file.detail}")

    def _print_accepted(self, part: FilesUploaded) -> None:
        for file in part.accepted:
            duplicate = ", already in the library" if file.duplicate_of else ""
            print_line(f"{file.filename}: accepted as {file.document_id}{duplicate}")
        for job_id in part.job_ids:
            papers = plural(len(part.accepted), "paper")
            print_line(f"{job_id}: {papers} in collection {self.collection}")

    def print_totals(self) -> None:
        """Prints how many files are new, known and refused, if there are several."""
        accepted, refused = self.uploaded.accepted, len(self.uploaded.refused)
        known = sum(file.duplicate_of is not None for file in accepted)
        files = len(accepted) + refused
        if files > 1 and not self.as_json:
            outcome = outcome_of_files(len(accepted) - known, known, refused)
            print_line(f"{plural(files, 'file')}: {outcome}")

    def to_json(self) -> str:
        """Returns the JSON document."""
        result = UploadResult(collection=self.collection, jobs=self.ended)
        result.add(self.uploaded)
        return result.model_dump_json(indent=2)

    @property
    def has_failures(self) -> bool:
        """True if a file was refused, or a job that was waited for has not completed all papers."""
        return bool(self.uploaded.refused) or any(job.status != "completed" for job in self.ended)
