"""The bibliography of a document, and who cites whom inside a collection."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter

from serve_app.api.context import DOCUMENT, ServicesHere
from serve_app.api.parameters import DocumentId
from serve_app.api.problems import documented
from serve_app.api.serializers.core import document_shape
from serve_app.api.serializers.papers import references_shape
from serve_app.api.services import Services
from serve_app.library.paper_content import read_document, searchable_document
from serve_app.schemas import papers as paper_schemas

router = APIRouter(prefix=DOCUMENT, tags=["documents"])


@router.get("/references", responses=documented(404, 409))
async def list_references(
    document_id: DocumentId, services: ServicesHere
) -> paper_schemas.References:
    """The bibliography of a document, as printed and in parts.

    `document_id` names the document of the same collection that an entry means.
    """
    (_, paper), links = await asyncio.gather(
        read_document(document_id, services), services.citations.links(document_id)
    )
    return paper_schemas.References(references=references_shape(paper, links))


@router.get("/cites", responses=documented(404, 409))
async def list_cited(document_id: DocumentId, services: ServicesHere) -> paper_schemas.Documents:
    """The documents of the same collection that this one cites, as its bibliography has them."""
    await searchable_document(document_id, services)
    links = await services.citations.links(document_id)
    return await _documents([links[ordinal] for ordinal in sorted(links)], services)


@router.get("/cited_by", responses=documented(404, 409))
async def list_citing(document_id: DocumentId, services: ServicesHere) -> paper_schemas.Documents:
    """The documents of the same collection that cite this one, newest upload first."""
    await searchable_document(document_id, services)
    return await _documents(await services.citations.cited_by(document_id), services)


async def _documents(names: Sequence[str], services: Services) -> paper_schemas.Documents:
    """The documents, each once, in the order of their names."""
    found = await services.documents.active(names)
    ordered = [found[name] for name in dict.fromkeys(names) if name in found]
    return paper_schemas.Documents(documents=list(map(document_shape, ordered)))
