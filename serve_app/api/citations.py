"""The bibliography of a document, and the citations between documents of a collection."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter

from serve_app.api.context import DOCUMENT, ServicesDep
from serve_app.api.parameters import DocumentId
from serve_app.api.problems import problem_responses
from serve_app.api.serializers.core import to_document_schema
from serve_app.api.serializers.papers import to_reference_schemas
from serve_app.api.services import Services
from serve_app.library.paper_content import document_with_paper, searchable_document
from serve_app.schemas import papers as paper_schemas

router = APIRouter(prefix=DOCUMENT, tags=["documents"])


@router.get("/references", responses=problem_responses(404, 409))
async def list_references(
    document_id: DocumentId, services: ServicesDep
) -> paper_schemas.References:
    """Returns the bibliography of a document: each entry as printed, and its parsed fields.

    `document_id` identifies the document of the same collection that an entry refers to.
    """
    (_, paper), links = await asyncio.gather(
        document_with_paper(document_id, services), services.citations.links(document_id)
    )
    return paper_schemas.References(references=to_reference_schemas(paper, links))


@router.get("/cites", responses=problem_responses(404, 409))
async def list_cited(document_id: DocumentId, services: ServicesDep) -> paper_schemas.Documents:
    """Returns the documents of the same collection that this one cites, in bibliography order."""
    await searchable_document(document_id, services)
    links = await services.citations.links(document_id)
    return await _documents([links[ordinal] for ordinal in sorted(links)], services)


@router.get("/cited_by", responses=problem_responses(404, 409))
async def list_citing(document_id: DocumentId, services: ServicesDep) -> paper_schemas.Documents:
    """Returns the documents of the same collection that cite this one, newest upload first."""
    await searchable_document(document_id, services)
    return await _documents(await services.citations.cited_by(document_id), services)


async def _documents(ids: Sequence[str], services: Services) -> paper_schemas.Documents:
    """Returns the active documents with these ids, in the given order, without duplicates."""
    active = await services.documents.active(ids)
    ordered = [active[name] for name in dict.fromkeys(ids) if name in active]
    return paper_schemas.Documents(documents=list(map(to_document_schema, ordered)))
