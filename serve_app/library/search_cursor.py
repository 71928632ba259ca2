"""Cursors of searches: the number of hits before the page, and whether they were not reranked."""

from __future__ import annotations

from dataclasses import dataclass

from stores.postgres.cursors import decode_offset, encode_offset

_PLAIN = "p"


@dataclass(frozen=True, slots=True)
class SearchCursor:
    """Points behind `offset` hits. `plain_order`: they were not reranked, so the next are not."""

    offset: int = 0
    plain_order: bool = False

    def encoded(self) -> str:
        """Returns the cursor as the client gets it."""
        return encode_offset(self.offset) + (_PLAIN if self.plain_order else "")

    @staticmethod
    def decoded(cursor: str | None) -> SearchCursor:
        """Returns the cursor of a request, the first page without one. Raises InvalidRequest."""
        if cursor is None:
            return SearchCursor()
        return SearchCursor(decode_offset(cursor.removesuffix(_PLAIN)), cursor.endswith(_PLAIN))
