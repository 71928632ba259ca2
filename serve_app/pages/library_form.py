"""The filters of the library page, which are also the parameters in its address."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from domain.access import Access
from domain.documents import DocumentFilter, DocumentOrder, DocumentStatus
from serve_app.pages.parameters import Blank, FilterText, Year, shown_name
from serve_app.schemas.requests import CollectionName
from stores.postgres.cursors import CURSOR

UNFILTERED = ("collection", "order")  # parameters without which the page has as many papers


class LibraryForm(BaseModel):
    """A list of papers; absent and empty fields limit nothing. `review`: papers that need one."""

    collection: Annotated[CollectionName | None, Blank] = None
    state: Annotated[DocumentStatus | None, Blank] = None
    review: Annotated[bool | None, Blank] = None
    text: FilterText = ""
    year_first: Year = None
    year_last: Year = None
    tag: FilterText = ""
    order: DocumentOrder = DocumentOrder.NEWEST
    cursor: Annotated[str, Field(pattern=CURSOR.pattern)] | None = None

    def wanted(self, access: Access) -> DocumentFilter:
        """Returns the conditions on the papers, within what the client may see."""
        return DocumentFilter(
            self.collection,
            self.state,
            self.review or None,
            tuple(self.text.split()),
            self.year_first,
            self.year_last,
            access.collections,
            tags=(self.tag,) if self.tag else (),
        )

    @property
    def parameters(self) -> dict[str, Any]:
        """The filters as parameters of an address, None where they are not needed."""
        return {
            **self.model_dump(exclude={"cursor"}),
            "collection": shown_name(self.collection),
            "review": "true" if self.review else None,
            "order": None if self.order is DocumentOrder.NEWEST else self.order,
        }

    @property
    def is_filtered(self) -> bool:
        """True if the page may have fewer papers than its collection."""
        return any(value for name, value in self.parameters.items() if name not in UNFILTERED)
