"""Papers of known content, and a helper that adds them to the library."""

from __future__ import annotations

from typing import Any

from domain.jobs import CitationKey, StepResult
from domain.papers import (
    Author,
    Block,
    BlockKind,
    Box,
    Cell,
    Figure,
    Metadata,
    PageSize,
    Paper,
    Reference,
    Section,
    SectionRole,
    Table,
    TableSource,
)
from extraction.citations.match import match_key
from extraction.serialization import dump_paper
from extraction.text.mupdf import pymupdf
from stores.blobs.blob_store import artifact_key
from tests.unit.serve_app.library import Library

BOX = Box(1, 50, 100, 250, 120)
QUALITY_REPORT = {"pages_read": 2, "pages_ocred": [2], "reasons": ["no authors found"]}
METADATA = Metadata(
    title="Notes on the Engine",
    authors=(Author("Ada Lovelace", "Ada", "Lovelace"), Author("The Engine Group")),
    abstract="The engine weaves patterns.",
    keywords=("engines", "weaving"),
    doi="10.1000/notes",
    arxiv_id="1843.00001",
    year=1843,
    language="en",
)
TABLE = Table(
    number=1,
    label="Table 1",
    caption="Looms & cards",
    boxes=(BOX, Box(2, 50, 50, 250, 90)),
    rows=(
        (Cell("Loom", header=True), Cell("Cards", header=True)),
        (Cell("=HYPERLINK(1)"), Cell("1,204")),
        (Cell("both", colspan=2),),
    ),
    source=TableSource.RULED,
    notes="Counted twice.",
)
PAPER = Paper(
    title="Notes on the Engine",
    pages=(PageSize(1, 300, 400), PageSize(2, 300, 400)),
    blocks=(
        Block(BlockKind.HEADING, "1 Looms", (BOX,), 0),
        Block(BlockKind.TEXT, "Looms weave <b>flowers</b>.", (BOX,), 0),
    ),
    sections=(
        Section(0, 1, "1", "Looms", 1, BOX),
        Section(1, 2, None, "References", 2, BOX, SectionRole.REFERENCES),
    ),
    references=(
        Reference(0, "Babbage, C. On tables. 1827. 10.1000/tables", 2, "10.1000/tables",
                  authors=(Author("Babbage, C.", "C.", "Babbage"),), title="On tables",
                  venue="Journal", year=1827),
        Reference(1, "Somebody. Something else.", 2),
    ),
    metadata=METADATA,
    tables=(TABLE,),
    figures=(Figure(1, "Fig. 1", "A loom", Box(1, 40, 40, 140, 90)),),
)  # fmt: skip


def pdf_of(text: str = "A page", pages: int = 2) -> bytes:
    """Returns a PDF with small pages (300 x 400 points), each with this text and its number."""
    with pymupdf.open() as document:
        for number in range(pages):
            page = document.new_page(width=300, height=400)
            page.insert_text((50, 60), f"{text} {number + 1}")
        return document.tobytes()


async def add_paper(
    library: Library,
    paper: Paper = PAPER,
    *texts: str,
    content: bytes | None = None,
    name: str = "engine.pdf",
    collection: str = "default",
    **overrides: Any,
) -> str:
    """Uploads a document, completes it with this paper and these passages, and returns its id."""
    library.worker_paused = True
    content = content or pdf_of(f"{paper.metadata.title} {paper.metadata.doi}")
    answer = await library.upload(content, name=name, collection=collection)
    assert answer.status_code == 202, answer.text
    [task] = await library.claim()
    chunks = library.index(task, texts or ("a passage",))
    key = artifact_key(task.document_id, task.version, "test")
    library.blobs.put_artifact(key, dump_paper(paper))
    values: dict[str, Any] = {
        "pages": len(paper.pages),
        "chunks": len(chunks),
        "sections": len(paper.sections),
        "references": len(paper.references),
        "tables": len(paper.tables),
        "figures": len(paper.figures),
        "title_key": match_key(paper.metadata.title, paper.metadata.year, None),
        "cited": tuple(
            CitationKey(entry.ordinal, entry.doi) for entry in paper.references if entry.doi
        ),
        "quality": QUALITY_REPORT,
        "artifact_key": key,
    }
    await library.stores.queue.finish(task, StepResult(paper.metadata, **(values | overrides)))
    library.worker_paused = False
    return answer.json()["document_id"]
