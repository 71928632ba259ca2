"""`paperworks bulk --zotero EXPORT`: makes a collection equal to an export of Zotero.

The state is in the library: a PDF is known by its bytes, and metadata is compared with that of its
document. A second run therefore sends only what has changed.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import typer

from domain.errors import UnknownCollection
from serve_app.cli.bulk_result import ZoteroResult
from serve_app.cli.common import print_error, print_line, printable
from serve_app.cli.progress import follow
from serve_app.cli.upload_report import UploadReport
from serve_app.client import Client, PaperworksProblem, ServiceUnreachable
from serve_app.client.many_files import FilesUploaded
from serve_app.schemas.core import Document, Job
from serve_app.uploads.pdf_paths import PdfPath
from serve_app.zotero.attachments import Attachments
from serve_app.zotero.entries import InvalidExport
from serve_app.zotero.export import read_export
from serve_app.zotero.papers import Paper, Plan, former_documents

PAGE = 200
CHANGED_MEANWHILE = "precondition_failed"  # for example because the paper has been read
CORRECTION_ATTEMPTS = 10
TO_READ = (None, "failed", "cancelled")  # states in which a PDF is sent, None: it is unknown


def import_export(client: Client, export: Path, collection: str, *, wait: bool) -> ZoteroResult:
    """Returns the result for the entries of an export; prints a line for each problem.

    Raises typer.Exit with status 2 if the file is no export.
    """
    try:
        plan = Plan(
            read_export(export), Attachments(export), collection, _id_of(client, collection)
        )
    except InvalidExport as error:
        print_error(printable(str(error)))
        raise typer.Exit(2) from error
    work = ZoteroImport(client, plan)
    work.run()
    ended = follow(client, work.jobs) if wait and work.jobs else []
    print_line(work.summary)
    return work.result(ended)


def _id_of(client: Client, collection: str) -> str:
    """Returns the first name of the collection, which ids of documents depend on."""
    try:
        return client.collection(collection).collection_id
    except PaperworksProblem as problem:
        if problem.code != UnknownCollection.code:
            raise
        return collection  # the first upload creates it


class ZoteroImport:
    """Sends the PDFs that the collection lacks, and the metadata and tags that differ."""

    def __init__(self, client: Client, plan: Plan) -> None:
        self.client, self.plan = client, plan
        self.counts = Counter[str]()
        self.jobs: list[str] = []
        self.problems: list[str] = []
        for problem in plan.problems:
            self._report(problem)

    @property
    def summary(self) -> str:
        """The numbers of PDFs and of entries without one."""
        named = [f"{self.counts[name]} {name}" for name in ("new", "changed", "unchanged")]
        named += [f"{self.plan.without_pdf} without a PDF", f"{self.plan.missing} missing files"]
        return ", ".join([*named, f"{self.counts['refused']} refused"])

    def result(self, ended: list[Job]) -> ZoteroResult:
        """Returns the result with these jobs."""
        return ZoteroResult(
            collection=self.plan.collection,
            job_ids=self.jobs,
            new=self.counts["new"],
            changed=self.counts["changed"],
            unchanged=self.counts["unchanged"],
            without_pdf=self.plan.without_pdf,
            missing=self.plan.missing,
            unreadable=self.plan.unreadable,
            refused=self.counts["refused"],
            problems=self.problems,
            jobs=list(ended),
        )

    def _report(self, problem: str) -> None:
        self.problems.append(problem)
        print_error(printable(problem))

    def run(self) -> None:
        """Raises PaperworksProblem if the service refuses a whole request."""
        known = self._known()
        state = {name: document.status for name, document in known.items()}
        papers = self.plan.papers.values()
        self._send([paper for paper in papers if state.get(paper.document_id) in TO_READ], known)
        for paper in papers:
            if state.get(paper.document_id) not in TO_READ:
                change = self._correct(paper, known[paper.document_id])
                self.counts[change] += 1

    def _known(self) -> dict[str, Document]:
        """Returns the documents of the collection by id."""
        documents, cursor = dict[str, Document](), None
        while True:
            collection = self.plan.collection
            page = self.client.documents(collection=collection, cursor=cursor, limit=PAGE)
            documents |= {document.document_id: document for document in page.items}
            if (cursor := page.next_cursor) is None:
                return documents

    def _send(self, papers: list[Paper], known: dict[str, Document]) -> None:
        by_id = {paper.document_id: paper for paper in papers}
        report = UploadReport(self.plan.collection)

        def complete(part: FilesUploaded) -> None:
            report.add(part)
            for name in {file.document_id for file in part.accepted} & by_id.keys():
                self.counts[self._complete(by_id[name], known)] += 1

        files = [PdfPath(paper.path, paper.path.name) for paper in papers]
        sent = self.client.upload_files(files, self.plan.collection, on_part=complete)
        self.counts["refused"] += len(sent.refused)
        self.problems += [f"{one.filename}: {one.detail}" for one in sent.refused]
        self.jobs += sent.job_ids

    def _complete(self, paper: Paper, known: dict[str, Document]) -> str:
        """Adds the metadata to an accepted PDF; returns "new", or "refused" without metadata."""
        for name in former_documents(paper, known, self.plan):
            print_line(
                f"{printable(paper.key)}: the PDF has changed; the former one stays as {name}. "
                f"`paperworks documents delete {name}` deletes it."
            )
        document = self.client.document(paper.document_id)
        return "refused" if self._correct(paper, document) == "refused" else "new"

    def _correct(self, paper: Paper, document: Document) -> str:
        """Returns "changed", "unchanged" or "refused"; prints the reason of a refusal."""
        try:
            return self._correct_repeatedly(paper, document)
        except ServiceUnreachable:
            raise
        except PaperworksProblem as problem:
            self._report(f"{paper.key}: the metadata was refused: {problem.detail}")
            return "refused"

    def _correct_repeatedly(
        self, paper: Paper, document: Document, attempts: int = CORRECTION_ATTEMPTS
    ) -> str:
        """Raises PaperworksProblem if the service refuses the metadata, or the last attempt."""
        if not (corrections := paper.changes(document)):
            return "unchanged"
        try:
            self.client.correct(document.document_id, **corrections)
            return "changed"
        except PaperworksProblem as problem:
            if problem.code != CHANGED_MEANWHILE or attempts == 1:
                raise
        current = self.client.document(document.document_id)
        return self._correct_repeatedly(paper, current, attempts - 1)
