"""Collections: named sets of documents; create, list, limit, export and delete them."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from domain.access import Access
from serve_app.access.requirements import ADMINISTERS, FOLLOWS, READS, AccessDep
from serve_app.api.bibliography import BIBLIOGRAPHY_RESPONSE, FormatParameter
from serve_app.api.file_responses import inline_disposition
from serve_app.api.parameters import CollectionPath, unknown_collection
from serve_app.api.problems import problem_responses
from serve_app.api.services import PREFIX, Services, ServicesDep
from serve_app.library.bibliography import FORMATS, BibliographyFormat, bibliography_of
from serve_app.schemas import core as schemas
from serve_app.schemas.requests import CollectionSettings, NewCollection
from stores.postgres.document_store import CollectionSummary

router = APIRouter(prefix=f"{PREFIX}/collections", tags=["collections"])


@router.get("", responses=problem_responses(), dependencies=[FOLLOWS])
async def list_collections(services: ServicesDep, access: AccessDep) -> schemas.Collections:
    """Returns every collection that the client may see, with its number of documents."""
    items = await visible_collections(services, access)
    return schemas.Collections.model_validate({"items": items})


async def visible_collections(services: Services, access: Access) -> list[CollectionSummary]:
    """Returns the collections that belong to the access, ordered by name."""
    found = await services.documents.collections()
    return [collection for collection in found if access.sees(collection.name)]


@router.post("", status_code=201, responses=problem_responses(409), dependencies=[ADMINISTERS])
async def create_collection(wanted: NewCollection, services: ServicesDep) -> schemas.Collection:
    """Creates an empty collection. An upload to an unknown collection creates it too."""
    settings = wanted.model_dump(exclude={"name"})
    await services.collections.create(wanted.name, settings)
    return await _collection(wanted.name, services)


@router.get("/{name}", responses=problem_responses(404), dependencies=[FOLLOWS])
async def get_collection(name: CollectionPath, services: ServicesDep) -> schemas.Collection:
    """Returns a collection with what it holds and what it may hold."""
    return await _collection(name, services)


@router.patch("/{name}", responses=problem_responses(404), dependencies=[ADMINISTERS])
async def change_collection(
    name: CollectionPath, settings: CollectionSettings, services: ServicesDep
) -> schemas.Collection:
    """Changes the description and the quotas of a collection, and returns it.

    A quota below what the collection holds refuses further papers and deletes none.
    """
    if given := settings.model_dump(exclude_unset=True):
        await services.collections.change(name, given)
    return await _collection(name, services)


async def _collection(name: str, services: Services) -> schemas.Collection:
    for collection in await services.documents.collections(name):
        return schemas.Collection.model_validate(collection)
    raise unknown_collection(name)


@router.delete(
    "/{name}", status_code=204, responses=problem_responses(404), dependencies=[ADMINISTERS]
)
async def delete_collection(name: CollectionPath, services: ServicesDep) -> None:
    """Deletes a collection and all its documents, as if each was deleted separately."""
    try:
        await services.documents.delete_collection(name)
    finally:
        services.deletions_due()  # also after an error: some documents may be deleted already


@router.get(
    "/{name}/export",
    dependencies=[READS],
    response_class=StreamingResponse,
    responses={**BIBLIOGRAPHY_RESPONSE, **problem_responses(404)},
)
async def export_collection(
    name: CollectionPath, services: ServicesDep, chosen: FormatParameter = BibliographyFormat.BIBTEX
) -> StreamingResponse:
    """Returns the bibliography of a collection: one entry per document, newest upload first."""
    if not await services.documents.has_collection(name):
        raise unknown_collection(name)
    spec = FORMATS[chosen]
    headers = {"Content-Disposition": inline_disposition(f"{name}{spec.ending}")}
    entries = bibliography_of(name, chosen, services.documents)
    return StreamingResponse(entries, media_type=spec.content_type, headers=headers)
