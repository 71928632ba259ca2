"""Conditions for papers that a text names: by identifier, title, author or words of the record."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import REGCONFIG

from domain.documents import DocumentStatus
from domain.paper_names import PaperName
from stores.postgres.schema import AUTHOR_WORDS, DOCUMENTS, RECORD_WORDS


def values_of(name: PaperName) -> dict[str, str]:
    """Returns what a paper may have of this name, as the parameters of `named_by`."""
    wanted = name.columns | {"author": name.author, "words": " ".join(name.words)}
    return {key: value for key, value in wanted.items() if value}


@lru_cache
def named_by(parameters: frozenset[str]) -> Select[Any]:
    """Returns the statement for searchable documents that meet one of the conditions with these
    parameters. Each search executes it, and SQLAlchemy needs 0.3 ms to build it."""
    is_ready = DOCUMENTS.c.status == DocumentStatus.READY
    return select(DOCUMENTS).where(is_ready, or_(*(_CONDITIONS[one] for one in parameters)))


def has_author(name: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Returns the condition that each word of the name is a word of an author."""
    return literal_column(AUTHOR_WORDS).op("@@")(_all_of(name))


def _has_record(words: ColumnElement[str]) -> ColumnElement[bool]:
    """Returns the condition that each word is one of the record, and not each one of the title."""
    wanted = _all_of(words)
    title = func.to_tsvector(cast("simple", REGCONFIG), func.fold_text(DOCUMENTS.c.title))
    in_title = title.bool_op("@@")(wanted)
    return and_(literal_column(RECORD_WORDS).bool_op("@@")(wanted), in_title.is_not(True))


def _all_of(words: str | ColumnElement[str]) -> ColumnElement[Any]:
    """Returns the query for a text with each of these words."""
    return func.plainto_tsquery(cast("simple", REGCONFIG), func.fold_text(words))


_CONDITIONS = {
    name: DOCUMENTS.c[name] == bindparam(name, type_=Text) for name in PaperName().columns
} | {
    "author": has_author(bindparam("author", type_=Text)),
    "words": _has_record(bindparam("words", type_=Text)),
}
