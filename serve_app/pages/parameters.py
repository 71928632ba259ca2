"""Parameters of pages. An empty field of a form is an absent one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import BeforeValidator, Field

from domain.collection_names import name_of
from serve_app.api.parameters import MAX_FILTER_CHARACTERS, STORABLE
from serve_app.schemas.requests import CollectionName


def _none_if_blank(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def shown_name(collection_id: str | None) -> str | None:
    """Returns the present name of the chosen collection, None if none is chosen."""
    return None if collection_id is None else name_of(collection_id)


Blank = BeforeValidator(_none_if_blank)
CollectionField = Annotated[CollectionName | None, Blank, Query()]
# Of form models:
FilterText = Annotated[str, Field(max_length=MAX_FILTER_CHARACTERS, pattern=STORABLE)]
Year = Annotated[Annotated[int, Field(ge=0, le=9999)] | None, Blank]
