"""Collections: named sets of documents; create, list, limit, export and delete them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from domain.access import Access
from domain.collection_names import name_of
from domain.errors import Unavailable
from domain.events import FeedPosition
from serve_app.access.name_cache import SECONDS_UNTIL_KNOWN
from serve_app.access.requirements import (
    ADMINISTERS,
    FOLLOWS,
    READS,
    AccessDep,
    require_known_collection,
)
from serve_app.api.bibliography import BIBLIOGRAPHY_RESPONSE, FormatParameter
from serve_app.api.file_responses import inline_disposition
from serve_app.api.parameters import CollectionPath, LastFeedId, unknown_collection
from serve_app.api.problems import problem_responses
from serve_app.api.serializers import to_feed_event_schema
from serve_app.api.services import PREFIX, Services, ServicesDep
from serve_app.library.bibliography import FORMATS, BibliographyFormat, bibliography_of
from serve_app.library.works import links_of_events
from serve_app.schemas import core as schemas
from serve_app.schemas.requests import CollectionChange, NewCollection
from stores.postgres.document_store import CollectionSummary

router = APIRouter(prefix=f"{PREFIX}/collections", tags=["collections"])
POLL_SECONDS = 0.5


@router.get("", responses=problem_responses(), dependencies=[FOLLOWS])
async def list_collections(services: ServicesDep, access: AccessDep) -> schemas.Collections:
    """Returns every collection that the client may see, with its number of documents."""
    items = await visible_collections(services, access)
    return schemas.Collections.model_validate({"items": items})


async def visible_collections(services: Services, access: Access) -> list[CollectionSummary]:
    """Returns the collections that belong to the access, ordered by name."""
    found = await services.documents.collections()
    return [collection for collection in found if access.sees(collection.collection_id)]


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


@router.patch("/{name}", responses=problem_responses(404, 409), dependencies=[ADMINISTERS])
async def change_collection(
    name: CollectionPath, settings: CollectionChange, services: ServicesDep
) -> schemas.Collection:
    """Changes name, description, quotas and the rule on duplicates of a collection; returns it.

    A renamed collection keeps its papers, their ids, its keys and webhooks. Its first name leads to
    it, too; other former names are free. The response to a new name takes a second longer, until
    every API process knows it.

    A quota below what the collection holds refuses further papers and deletes none. `duplicates`
    concerns uploads that end after the change: `newest` deletes nothing by itself.
    """
    if given := settings.model_dump(exclude_unset=True):
        await services.collections.change(name, given)
    if "name" in given:
        await asyncio.sleep(SECONDS_UNTIL_KNOWN)
    return await _collection(name, services)


async def _collection(collection_id: str, services: Services) -> schemas.Collection:
    for collection in await services.documents.collections(collection_id):
        return schemas.Collection.model_validate(collection)
    raise unknown_collection(collection_id)


async def _position(
    name: CollectionPath, services: ServicesDep, last_event_id: LastFeedId = None
) -> FeedPosition:
    """Returns where the stream begins. Raises UnknownCollection, InvalidRequest.

    Runs before the stream starts, because a started stream cannot become a 404. A position that
    this database has not reached yet is of another database, or of one before a restore.
    """
    await require_known_collection(name, services)
    now = await services.event_feed.now()
    if last_event_id is None:
        return now
    return min(FeedPosition.parse(last_event_id), now)


@router.get(
    "/{name}/events",
    response_class=EventSourceResponse,
    responses=problem_responses(404),
    dependencies=[FOLLOWS],
)
async def follow_collection(
    name: CollectionPath,
    services: ServicesDep,
    position: Annotated[FeedPosition, Depends(_position)],
    seconds: Annotated[
        float, Query(ge=0, le=3600, description="Seconds until the stream ends; 0: what is there.")
    ] = 60,
) -> AsyncIterator[ServerSentEvent]:
    """Streams every state change of the jobs of the collection and of their tasks, from now on.

    The first event, `opened`, only gives the position. A client that reconnects with the last id as
    Last-Event-ID misses no event. `number` is the order of the events of one job; the stream may
    contain neighbours in another order.
    """
    ends_at = time.monotonic() + seconds
    yield ServerSentEvent(
        id=str(position), event=schemas.OPENED, data={"collection": name_of(name)}
    )
    try:
        while True:
            while events := await services.event_feed.after(name, position):
                links = await links_of_events(events, services)
                for event in events:
                    position = event.position
                    data = to_feed_event_schema(event, links)
                    yield ServerSentEvent(id=str(position), event=event.name, data=data)
            if time.monotonic() >= ends_at:
                return
            await asyncio.sleep(POLL_SECONDS)
    except Unavailable:  # the stream ends; the client reconnects and continues
        return


@router.delete(
    "/{name}", status_code=204, responses=problem_responses(404), dependencies=[ADMINISTERS]
)
async def delete_collection(name: CollectionPath, services: ServicesDep) -> None:
    """Deletes a collection and all its documents, as if each was deleted separately.

    Both names of a renamed collection are free then.
    """
    try:
        await services.documents.delete_collection(name)
    finally:
        services.deletions_due()  # also after an error: some documents may be deleted already
    if name_of(name) != name:
        await asyncio.sleep(SECONDS_UNTIL_KNOWN)


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
    await require_known_collection(name, services)
    spec = FORMATS[chosen]
    headers = {"Content-Disposition": inline_disposition(f"{name_of(name)}{spec.ending}")}
    entries = bibliography_of([name], chosen, services.documents)
    return StreamingResponse(entries, media_type=spec.content_type, headers=headers)
