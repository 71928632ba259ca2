"""Collections: named sets of documents."""

from __future__ import annotations

from fastapi import APIRouter

from serve_app.api.context import PREFIX, ServicesDep
from serve_app.api.parameters import CollectionPath
from serve_app.api.problems import problem_responses
from serve_app.library.deletion import remove_collection
from serve_app.schemas import core as schemas

router = APIRouter(prefix=PREFIX, tags=["collections"])


@router.get("/collections", responses=problem_responses())
async def list_collections(services: ServicesDep) -> schemas.Collections:
    """Returns every collection with its number of documents."""
    collections = await services.documents.collections()
    return schemas.Collections(
        items=[
            schemas.Collection(name=row.name, documents=row.documents, created_at=row.created_at)
            for row in collections
        ]
    )


@router.delete("/collections/{name}", status_code=204, responses=problem_responses(404))
async def delete_collection(name: CollectionPath, services: ServicesDep) -> None:
    """Deletes a collection and all its documents, as if each was deleted separately."""
    await remove_collection(name, services)
