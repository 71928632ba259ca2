"""Parameters of pages. An empty field of a form is an absent one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import BeforeValidator, Field

from serve_app.api.parameters import MAX_FILTER_CHARACTERS, STORABLE
from serve_app.schemas.requests import CollectionName


def _none_if_blank(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


Blank = BeforeValidator(_none_if_blank)
CollectionField = Annotated[CollectionName | None, Blank, Query()]
# Of form models:
FilterText = Annotated[str, Field(max_length=MAX_FILTER_CHARACTERS, pattern=STORABLE)]
Year = Annotated[Annotated[int, Field(ge=0, le=9999)] | None, Blank]
