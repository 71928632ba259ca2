"""Validated types of path, query and header parameters.

A malformed identifier in a path gets the same response as an unknown one: 404. Any other malformed
parameter gets 422.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import Header, Path, Query
from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from domain.collection_names import id_of
from domain.errors import NotFound, UnknownCollection
from domain.identifiers import CHUNK_ID, COLLECTION_NAME, DOCUMENT_ID, JOB_ID
from serve_app.schemas.requests import CollectionName
from stores.postgres.cursors import CURSOR

MAX_SHOWN_CHARACTERS = 140
MAX_FILTER_CHARACTERS = 200
STORABLE = r"^[^\x00]*$"  # PostgreSQL stores no NUL characters
TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")  # its beginning
PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,140}")
LAST_EVENT_NUMBER = 2**31 - 1  # PostgreSQL's integer


def identifier(pattern: re.Pattern[str], error: Callable[[str], NotFound]) -> AfterValidator:
    """Returns a validator that raises `error` for identifiers that do not match the pattern."""

    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise error(text)
        return text

    return AfterValidator(check)


def unknown(kind: str, name: str) -> NotFound:
    """Returns the error for an identifier of nothing."""
    shown = name if PLAIN_NAME.fullmatch(name) else repr(name[:MAX_SHOWN_CHARACTERS])
    return NotFound(f"There is no {kind} {shown}.")


def unknown_collection(name: str) -> UnknownCollection:
    """Returns the error for a collection that does not exist."""
    shown = repr(name[:MAX_SHOWN_CHARACTERS])
    return UnknownCollection(
        f"There is no collection {shown}; list them with GET /api/v1/collections."
    )


def _time_text(value: Any) -> Any:
    """Refuses seconds since 1970, which pydantic takes for a time."""
    if isinstance(value, str) and not TIME.match(value):
        raise ValueError("use a time with its zone, for example 2026-11-29T08:00:00Z")
    return value


Time = Annotated[AwareDatetime, BeforeValidator(_time_text)]
DocumentId = Annotated[
    str,
    identifier(DOCUMENT_ID, partial(unknown, "document")),
    Path(description="A `document_id`.", json_schema_extra={"pattern": DOCUMENT_ID.pattern}),
]
JobId = Annotated[
    str,
    identifier(JOB_ID, partial(unknown, "job")),
    Path(description="A `job_id`.", json_schema_extra={"pattern": JOB_ID.pattern}),
]
ChunkPath = Annotated[
    str,
    identifier(CHUNK_ID, partial(unknown, "passage")),
    Path(description="A `chunk_id`.", json_schema_extra={"pattern": CHUNK_ID.pattern}),
]
CollectionPath = Annotated[
    str,
    identifier(COLLECTION_NAME, unknown_collection),
    AfterValidator(id_of),
    Path(description="A collection.", json_schema_extra={"pattern": COLLECTION_NAME.pattern}),
]
CollectionFilter = Annotated[
    CollectionName | None, Query(description="Only items of this collection.")
]
Cursor = Annotated[
    str | None,
    Query(description="`next_cursor` of the previous page.", pattern=CURSOR.pattern),
]
FilterText = Annotated[
    str | None,
    Query(
        max_length=MAX_FILTER_CHARACTERS,
        pattern=STORABLE,
        description="Words that each occur in the title, the filename or the name of an author; "
        "upper and lower case are equal.",
    ),
]
AuthorFilter = Annotated[
    str | None,
    Query(
        max_length=MAX_FILTER_CHARACTERS,
        pattern=STORABLE,
        description="Words that are names of an author; case and accents make no difference.",
    ),
]
TagFilter = Annotated[
    list[Annotated[str, Query(max_length=100, pattern=STORABLE)]] | None,
    Query(max_length=20, description="Only documents with this tag; may be repeated."),
]
Year = Annotated[
    int | None,
    Query(ge=0, le=9999, description="Only papers with a year from (to) this one."),
]
JobIds = Annotated[
    list[Annotated[str, Query(pattern=JOB_ID.pattern)]] | None,
    Query(min_length=1, max_length=200, description="Only these jobs; may be repeated."),
]
Limit = Annotated[int, Query(ge=1, le=200, description="Maximum number of items per page.")]
Number = Annotated[int, Path(ge=1, le=1_000_000, description="Counts from 1.")]
ChunkIds = Annotated[
    list[Annotated[str, Query(pattern=CHUNK_ID.pattern)]],
    Query(alias="highlight", max_length=100, description="A `chunk_id`; may be repeated."),
]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match")]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="The ETag of the document as it was read."),
]
LastEventId = Annotated[
    int,
    Header(
        ge=0,
        le=LAST_EVENT_NUMBER,
        description="Number of the last event received; 0 for all events.",
    ),
]
LastFeedId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        max_length=60,
        description="Id of the last event received; absent for events from now on.",
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=r"^[\x20-\x7e]{1,255}$",
        description="1 to 255 printable ASCII characters. Use a new key for each request and the "
        "same key only to repeat a request.",
    ),
]
