"""The page of a paper, and the viewer of its printed pages."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Request, Response

from domain.documents import Document, DocumentStatus
from domain.errors import NotFound
from domain.papers import BlockKind, Paper
from extraction.export.bibtex import to_bibtex
from extraction.export.citation import to_citation
from extraction.export.ris import to_ris
from extraction.export.table_formats import to_html
from serve_app.access.requirements import READS
from serve_app.api.parameters import ChunkIds, DocumentId, Number
from serve_app.api.serializers import to_document_schema, to_references_schema
from serve_app.api.services import Services, ServicesDep
from serve_app.library.papers import (
    active_documents,
    document_with_paper,
    metadata_of,
    paper_of,
)
from serve_app.library.passage_boxes import boxes_of, lines_of_page
from serve_app.library.similar import find_similar_documents
from serve_app.library.works import document_schema
from serve_app.pages.page_route import page_router
from serve_app.pages.rendering import render

router = page_router(READS)
SIMILAR_PAPERS = 5


@router.get("/papers/{document_id}")
async def paper_page(request: Request, services: ServicesDep, document_id: DocumentId) -> Response:
    """Returns the page of a paper; without its content if it has not been read."""
    document = await services.documents.get(document_id)
    shown, content = await asyncio.gather(
        document_schema(document, services), _content(document, services)
    )
    copies = await active_documents(shown.same_work_as, services)
    versions = await active_documents(shown.related, services)
    return render(
        request, "paper.html", document=shown, copies=copies, versions=versions, **content
    )


@router.get("/papers/{document_id}/similar")
async def similar_papers(
    request: Request, services: ServicesDep, document_id: DocumentId
) -> Response:
    """Returns the list of similar papers, a part of the page that is loaded later."""
    document = await services.documents.get(document_id)
    hits = await find_similar_documents(document, SIMILAR_PAPERS, services)
    documents = [to_document_schema(other) for _, other in hits]
    return render(request, "paper_links.html", documents=documents, empty="No similar papers.")


@router.get("/papers/{document_id}/text")
async def text_of_paper(
    request: Request, services: ServicesDep, document_id: DocumentId
) -> Response:
    """Returns the text in reading order, without references: a part that is loaded on request."""
    _, paper = await document_with_paper(document_id, services)
    blocks = [block for block in paper.blocks if block.kind is not BlockKind.REFERENCE]
    return render(request, "paper_text.html", blocks=blocks)


@router.get("/papers/{document_id}/pages/{number}")
async def page_viewer(
    request: Request,
    services: ServicesDep,
    document_id: DocumentId,
    number: Number,
    highlights: ChunkIds = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Returns a printed page with its text and the passages in `highlight` marked."""
    document, paper = await document_with_paper(document_id, services)
    if number > len(paper.pages):
        raise NotFound(f"The paper has no page {number}; it has {len(paper.pages)}.")
    boxes = await boxes_of(document, highlights, services)
    return render(
        request,
        "viewer.html",
        document=to_document_schema(document),
        number=number,
        last=len(paper.pages),
        size=paper.pages[number - 1],
        lines=lines_of_page(paper, number),
        boxes=[box for box in boxes if box.page == number],
        highlights=highlights,
    )


async def _content(document: Document, services: Services) -> dict[str, Any]:
    """Returns the values of the template that come from the content of the paper."""
    if document.status != DocumentStatus.READY:
        return {"paper": None}
    paper, links, citing = await asyncio.gather(
        paper_of(document, services),
        services.citations.links(document.document_id),
        services.citations.cited_by(document.document_id),
    )
    cited_by = await active_documents(citing, services)
    return {
        "paper": paper,
        "tables": [(table, to_html(table)) for table in paper.tables],
        "references": to_references_schema(paper, links).references,
        "cited_by": list(map(to_document_schema, cited_by)),
        "citation": to_citation(metadata_of(document)),
        "bibtex": to_bibtex(metadata_of(document)),
        "ris": to_ris(metadata_of(document), document.document_id),
        "evidence": _evidence(paper),
    }


def _evidence(paper: Paper) -> dict[str, str]:
    """Returns where each metadata field was found, with the confidence in percent."""
    found = paper.metadata.evidence.items()
    return {name: f"{one.source}, {one.confidence:.0%} sure" for name, one in found}
