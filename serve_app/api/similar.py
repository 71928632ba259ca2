"""Documents similar to a given document."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from serve_app.api.context import DOCUMENT, ServicesDep
from serve_app.api.parameters import DocumentId
from serve_app.api.problems import problem_responses
from serve_app.api.serializers.core import to_chunk_schema, to_document_schema
from serve_app.library.paper_content import searchable_document
from serve_app.library.search import find_similar_documents
from serve_app.schemas import papers as paper_schemas

router = APIRouter(prefix=DOCUMENT, tags=["documents"])


@router.get("/similar", responses=problem_responses(404, 409))
async def list_similar(
    document_id: DocumentId,
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=100, description="Maximum number of documents.")] = 10,
) -> paper_schemas.SimilarDocuments:
    """Returns the most similar documents of the same collection, best first.

    Compares the mean vector of this document's passages with the passages of the others.
    """
    document = await searchable_document(document_id, services)
    hits = await find_similar_documents(document, limit, services)
    return paper_schemas.SimilarDocuments(
        documents=[
            paper_schemas.SimilarDocument(
                **dict(to_document_schema(other)),
                score=passage.score,
                passage=to_chunk_schema(passage.chunk, other),
            )
            for passage, other in hits
        ]
    )
