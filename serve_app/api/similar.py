"""Documents and passages that are similar to a given one."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Query

from domain.search import SearchMode
from serve_app.access.requirements import READS
from serve_app.api.parameters import ChunkPath, DocumentId
from serve_app.api.problems import problem_responses
from serve_app.api.serializers import to_chunk_schema, to_hit_schema
from serve_app.api.services import DOCUMENT, ServicesDep
from serve_app.library.papers import searchable_document
from serve_app.library.search import milliseconds_since
from serve_app.library.similar import find_similar_documents, find_similar_passages
from serve_app.library.works import document_schemas
from serve_app.schemas import core as schemas
from serve_app.schemas import papers as paper_schemas

router = APIRouter(
    prefix=DOCUMENT,
    tags=["documents"],
    responses=problem_responses(404, 409),
    dependencies=[READS],
)
Count = Annotated[int, Query(ge=1, le=100, description="Maximum number of items.")]


@router.get("/similar")
async def list_similar(
    document_id: DocumentId, services: ServicesDep, limit: Count = 10
) -> paper_schemas.SimilarDocuments:
    """Returns the most similar documents of the same collection, best first.

    Compares the mean vector of this document's passages with the passages of the others.
    """
    document = await searchable_document(document_id, services)
    hits = await find_similar_documents(document, limit, services)
    shown = await document_schemas([other for _, other in hits], services)
    return paper_schemas.SimilarDocuments(
        documents=[
            paper_schemas.SimilarDocument(
                **dict(schema),
                score=passage.score,
                passage=to_chunk_schema(passage.chunk, other),
            )
            for schema, (passage, other) in zip(shown, hits, strict=True)
        ]
    )


@router.get("/chunks/{chunk_id}/similar")
async def list_similar_passages(
    document_id: DocumentId, chunk_id: ChunkPath, services: ServicesDep, limit: Count = 10
) -> schemas.SearchResult:
    """Returns the passages of the same collection that are nearest to this one, best first."""
    started = time.perf_counter()
    document = await searchable_document(document_id, services)
    found = await find_similar_passages(document, chunk_id, limit, services)
    return schemas.SearchResult(
        hits=[to_hit_schema(passage, other, "", None) for passage, other in found.hits],
        nothing_fits=None,
        mode=SearchMode.DENSE,
        took_ms=milliseconds_since(started),
        total_candidates=found.candidates,
    )
