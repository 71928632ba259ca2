"""What became of the files of an upload: lines while it runs, or one JSON document at the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import BaseModel

from domain.errors import RefusedUpload
from domain.labels import filename_label
from domain.wording import outcome_of_files, plural
from serve_app.cli.common import print_error, print_line
from serve_app.schemas.core import AcceptedFile, Job, RefusedFile, UploadsAccepted
from serve_app.uploads.pdf_paths import PdfPath


class UploadResult(BaseModel):
    """The JSON document. `jobs` are complete if the command has waited for them, else empty."""

    collection: str
    job_ids: list[str]
    accepted: list[AcceptedFile]
    refused: list[RefusedFile]
    jobs: list[Job]


@dataclass(slots=True)
class UploadReport:
    """Collects the results of the files, and prints a line for each unless `as_json`."""

    collection: str
    as_json: bool = False
    jobs: list[str] = field(default_factory=list)
    accepted: list[AcceptedFile] = field(default_factory=list)
    refused: list[RefusedFile] = field(default_factory=list)
    ended: list[Job] = field(default_factory=list)

    def add(self, response: UploadsAccepted) -> None:
        """Reports the files of a request."""
        self.jobs.append(response.job_id)
        self.accepted += response.accepted
        if not self.as_json:
            for file in response.accepted:
                duplicate = ", already in the library" if file.duplicate_of else ""
                print_line(f"{file.filename}: accepted as {file.document_id}{duplicate}")
            papers = plural(len(response.accepted), "paper")
            print_line(f"{response.job_id}: {papers} in collection {self.collection}")
        self.refuse(response.refused)

    def refuse(self, files: Iterable[RefusedFile]) -> None:
        """Reports refused files, on stderr."""
        for file in files:
            self.refused.append(file)
            print_error(f"{file.filename}: refused ({file.code}): {file.detail}")

    def refuse_path(self, pdf: PdfPath, error: RefusedUpload) -> None:
        """Reports a file that was not sent, with its path."""
        shown = "/".join(map(filename_label, pdf.path.parts[-3:]))
        self.refuse([RefusedFile(filename=shown, code=error.code, detail=error.message)])

    def print_totals(self) -> None:
        """Prints how many files are new, known and refused, if there are several."""
        known = sum(file.duplicate_of is not None for file in self.accepted)
        files = len(self.accepted) + len(self.refused)
        if files > 1 and not self.as_json:
            new = len(self.accepted) - known
            outcome = outcome_of_files(new, known, len(self.refused))
            print_line(f"{plural(files, 'file')}: {outcome}")

    def to_json(self) -> str:
        """Returns the JSON document."""
        return UploadResult(
            collection=self.collection,
            job_ids=self.jobs,
            accepted=self.accepted,
            refused=self.refused,
            jobs=self.ended,
        ).model_dump_json(indent=2)

    @property
    def has_failures(self) -> bool:
        """True if a file was refused, or a job that was waited for has not completed all papers."""
        return bool(self.refused) or any(job.status != "completed" for job in self.ended)
