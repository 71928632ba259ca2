"""String types of request bodies, validated before any store is called."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from domain.identifiers import COLLECTION_NAME, DOCUMENT_ID

# PostgreSQL stores no NUL characters, and an unpaired surrogate has no UTF-8 encoding.
_UNSTORABLE = re.compile(r"[\0\ud800-\udfff]")


def _storable(text: str) -> str:
    if _UNSTORABLE.search(text):
        raise ValueError("the text contains a NUL character or an unpaired surrogate; remove it")
    return text


Text = Annotated[
    str, Field(json_schema_extra={"pattern": r"^[^\u0000]*$"}), AfterValidator(_storable)
]
CollectionName = Annotated[str, Field(pattern=COLLECTION_NAME.pattern)]
DocumentIdentifier = Annotated[str, Field(pattern=DOCUMENT_ID.pattern)]
