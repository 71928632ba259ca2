"""Copies and versions of papers, for the responses that show papers, tasks and events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from domain.documents import Document
from domain.events import Event
from domain.jobs import Task
from domain.same_work import NO_LINKS, WorkLinks
from serve_app.api.serializers import ENDS_READING, to_document_schema
from serve_app.schemas import core as schemas

if TYPE_CHECKING:
    from serve_app.api.services import Services


async def document_schemas(
    documents: Sequence[Document], services: Services
) -> list[schemas.Document]:
    """Returns the documents with their copies and versions, in the given order."""
    links = await services.documents.links(documents) if documents else {}
    return [to_document_schema(one, links.get(one.document_id, NO_LINKS)) for one in documents]


async def document_schema(document: Document, services: Services) -> schemas.Document:
    """Returns the document with its copies and versions."""
    return (await document_schemas([document], services))[0]


async def links_of_tasks(tasks: Iterable[Task], services: Services) -> dict[UUID, WorkLinks]:
    """Returns the copies and versions of the papers of the tasks that are searchable, by task."""
    ended = {task.task_id for task in tasks if task.searchable_at}
    return await services.documents.links_of_tasks(ended) if ended else {}


async def links_of_events(events: Iterable[Event], services: Services) -> dict[UUID, WorkLinks]:
    """Returns the copies and versions of the papers that were completed, by task."""
    ended = {event.task_id for event in events if event.task_id and event.name == ENDS_READING}
    return await services.documents.links_of_tasks(ended) if ended else {}
