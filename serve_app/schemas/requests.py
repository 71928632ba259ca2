"""Schemas of request bodies: validated before any store is called, with maximum lengths."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, model_validator

from domain.access import MAX_NAME_CHARACTERS, Scope
from domain.collection_names import id_of
from domain.documents import ChunkKind, DocumentFilter
from domain.duplicates import Duplicates
from domain.identifiers import COLLECTION_NAME, DOCUMENT_ID
from domain.search import SearchMode
from domain.section_topics import SectionTopic
from domain.webhooks import WebhookEvent
from stores.postgres.cursors import CURSOR

MAX_FIELDS = 50
MAX_TAGS, MAX_TAG_CHARACTERS = 50, 100  # of a document, of a tag
MAX_URL_CHARACTERS = 2000
MAX_FOLDER_CHARACTERS = 4000
# PostgreSQL stores no NUL characters, and an unpaired surrogate has no UTF-8 encoding.
_UNSTORABLE = re.compile(r"[\0\ud800-\udfff]")


def _storable(text: str) -> str:
    if _UNSTORABLE.search(text):
        raise ValueError("the text contains a NUL character or an unpaired surrogate; remove it")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("the query is empty; send the words or the question to search for")
    return text


def _has_letters(text: str) -> str:
    if not any(character.isalnum() for character in text):
        raise ValueError("the text contains no letter and no digit; send null to restore the value")
    return text


Text = Annotated[
    str, Field(json_schema_extra={"pattern": r"^[^\u0000]*$"}), AfterValidator(_storable)
]
NewName = Annotated[str, Field(pattern=COLLECTION_NAME.pattern)]
CollectionName = Annotated[NewName, AfterValidator(id_of)]
"""The name of a collection; the validated value is its id."""
# JSON has numbers and booleans: false is no number, and neither 0 nor "0" is a boolean.
Whole = Annotated[int, Strict()]
Fraction = Annotated[float, Strict(), Field(ge=0, le=1)]
Flag = Annotated[bool, Strict()]
DocumentIdentifier = Annotated[str, Field(pattern=DOCUMENT_ID.pattern)]
Query = Annotated[Text, Field(max_length=4000), AfterValidator(_not_blank)]
# PDF 32000-1, annex C: a page has at most 14,400 units in each direction.
Coordinate = Annotated[float, Field(ge=0, le=14_400)]
PersonName = Annotated[Text, Field(max_length=300), AfterValidator(_has_letters)]
Title = Annotated[Text, Field(max_length=2000), AfterValidator(_has_letters)]
Doi = Annotated[str, Field(pattern=r"^10\.[0-9]{4,9}/[!-~]{1,500}$")]
FilterYear = Annotated[Whole, Field(ge=1, le=9999)]
Tag = Annotated[
    Text, Field(min_length=1, max_length=MAX_TAG_CHARACTERS), AfterValidator(_has_letters)
]
PageNumber = Annotated[Whole, Field(ge=1, le=1_000_000)]


class RequestBody(BaseModel):
    """Base of request bodies: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _limit_fields(cls, given: Any) -> Any:
        """Reports too many fields as one error: 80,000 unknown fields took 0.3 s."""
        if isinstance(given, dict) and len(given) > MAX_FIELDS:
            raise ValueError(f"the object has more than {MAX_FIELDS} fields")
        return given


class NewFolderJob(RequestBody):
    """A folder that the server reads: an absolute path, or a prefix of a bucket (s3://…)."""

    folder: Annotated[Text, Field(min_length=1, max_length=MAX_FOLDER_CHARACTERS)]
    collection: CollectionName = "default"


class SearchFilters(RequestBody):
    """Conditions that every hit must satisfy. An absent filter matches everything.

    Without `kinds`, hits are of every kind except `reference`. The words of `author` are names of
    an author, ignoring case and accents. A paper has all of `tags`; a passage is in a section about
    one of `sections`.
    """

    document_ids: list[DocumentIdentifier] | None = Field(None, min_length=1, max_length=1000)
    kinds: list[ChunkKind] | None = Field(None, min_length=1, max_length=len(ChunkKind))
    page_first: PageNumber | None = None
    page_last: PageNumber | None = None
    author: PersonName | None = None
    year_first: FilterYear | None = None
    year_last: FilterYear | None = None
    doi: Doi | None = None
    tags: list[Tag] | None = Field(None, min_length=1, max_length=20)
    sections: list[SectionTopic] | None = Field(None, min_length=1, max_length=len(SectionTopic))

    @model_validator(mode="after")
    def _in_order(self) -> SearchFilters:
        for unit in ("page", "year"):
            first, last = getattr(self, f"{unit}_first"), getattr(self, f"{unit}_last")
            if first and last and first > last:
                raise ValueError(f"{unit}_first is greater than {unit}_last; swap them")
        return self

    @property
    def papers(self) -> DocumentFilter:
        """The conditions on the paper of a hit."""
        return DocumentFilter(
            author=self.author,
            year_first=self.year_first,
            year_last=self.year_last,
            doi=self.doi,
            tags=tuple(self.tags or ()),
        )


class SearchRequest(RequestBody):
    """A search of one collection, or of all collections if `collection` is null or absent.

    In the query, `"words in quotes"` must occur in this order, and `-word` must not occur. Hits
    with a relevance below `min_relevance` are left out. `cursor` is `next_cursor` of the previous
    page. `explain` adds to each hit why it has its rank. `rerank` is true by default if the service
    has a reranker (`search.reranker`).
    """

    query: Query
    collection: CollectionName | None = None
    mode: SearchMode = SearchMode.HYBRID
    filters: SearchFilters = Field(default_factory=lambda: SearchFilters.model_validate({}))
    limit: Whole = Field(10, ge=1, le=200)
    group_by: Literal["document"] | None = None
    min_relevance: Fraction | None = None
    cursor: Annotated[str, Field(pattern=CURSOR.pattern)] | None = None
    explain: Flag = False
    rerank: Flag | None = None


class Region(RequestBody):
    """A rectangle on a page, in points from the top left corner of the displayed page."""

    x0: Coordinate
    y0: Coordinate
    x1: Coordinate
    y1: Coordinate
    dpi: int = Field(144, ge=36, le=600, description="Pixels per inch.")

    @model_validator(mode="after")
    def _has_an_area(self) -> Region:
        if self.x0 >= self.x1 or self.y0 >= self.y1:
            raise ValueError("x0 must be less than x1, and y0 less than y1")
        return self


class MetadataCorrection(RequestBody):
    """Corrected metadata. An absent field stays as it is; null restores the extracted value.

    `tags` replace those of the document; null removes them. `collection` moves the document.
    """

    title: Title | None = None
    authors: list[PersonName] | None = Field(None, max_length=5000)
    year: Whole | None = Field(None, ge=1000, le=9999)
    venue: Title | None = Field(None, description="The journal or the proceedings.")
    doi: Doi | None = None
    tags: list[Tag] | None = Field(None, max_length=MAX_TAGS)
    collection: CollectionName = Field(
        "", description="Moves the document, which gets another id and is read again."
    )


class CollectionSettings(RequestBody):
    """What a collection is for, its quotas, and what it does with several files of one work.

    An absent field stays as it is; null: no limit.
    """

    description: Annotated[Text, Field(max_length=2000)] = ""
    max_papers: Whole | None = Field(None, ge=0, le=2**31 - 1)
    max_bytes: Whole | None = Field(None, ge=0, le=2**62)
    duplicates: Duplicates = Duplicates.KEEP


class CollectionChange(CollectionSettings):
    """Changes of a collection. Its first name leads to it after a new `name`, too."""

    name: NewName = ""


class NewCollection(CollectionSettings):
    """A collection to create."""

    name: NewName


class AdoptRequest(RequestBody):
    """The collection for the adopted papers.

    With `claim_stores`, Milvus and the blob store are assigned to the library of this database,
    regardless of the library that they belong to.
    """

    collection: CollectionName
    claim_stores: Flag = False


class NewKey(RequestBody):
    """A key to create. Without `collections` it is valid for all; admin keys always are."""

    name: Annotated[Text, Field(min_length=1, max_length=MAX_NAME_CHARACTERS)]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    collections: Annotated[list[CollectionName], Field(min_length=1, max_length=100)] | None = None
    expires_days: Annotated[Whole, Field(ge=1, le=3650)] | None = Field(
        None, description="Days until the key expires; null: it does not expire."
    )


WebhookUrl = Annotated[Text, Field(min_length=1, max_length=MAX_URL_CHARACTERS)]
WebhookCollections = Annotated[list[CollectionName], Field(min_length=1, max_length=100)] | None
WebhookEvents = Annotated[list[WebhookEvent], Field(min_length=1, max_length=len(WebhookEvent))]


class NewWebhook(RequestBody):
    """A webhook to create. Without `collections` it reports the jobs of all."""

    url: WebhookUrl
    collections: WebhookCollections = None
    events: WebhookEvents = list(WebhookEvent)


class WebhookSettings(RequestBody):
    """Changes of a webhook. An absent field stays as it is; `collections` null: all.

    A disabled webhook gets no deliveries, also none of the time when it is disabled.
    """

    collections: WebhookCollections = None
    events: WebhookEvents = list(WebhookEvent)
    enabled: Flag = True
