"""Collections: named sets of documents."""

from __future__ import annotations

from fastapi import APIRouter

from serve_app.api.context import PREFIX, ServicesHere
from serve_app.api.parameters import CollectionPath
from serve_app.api.problems import documented
from serve_app.library.deletion import remove_collection
from serve_app.schemas import core as schemas

router = APIRouter(prefix=PREFIX, tags=["collections"])


@router.get("/collections", responses=documented())
async def list_collections(services: ServicesHere) -> schemas.Collections:
    """Every collection and how many documents it holds."""
    found = await services.documents.collections()
    return schemas.Collections(
        items=[
            schemas.Collection(name=one.name, documents=one.documents, created_at=one.created_at)
            for one in found
        ]
    )


@router.delete("/collections/{name}", status_code=204, responses=documented(404))
async def delete_collection(name: CollectionPath, services: ServicesHere) -> None:
    """Deletes a collection and every document that is in it, each as its own deletion would."""
    await remove_collection(name, services)
