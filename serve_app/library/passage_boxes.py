"""The places of passages, and of the printed lines, on the pages of a document."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from domain.documents import Document
from domain.errors import NotFound
from domain.papers import Box, Paper

if TYPE_CHECKING:
    from serve_app.api.services import Services

_MIN_LETTERS = 3  # of a line whose direction its box shows
MAX_PASSAGES = 16_384  # per document; the result limit of one Milvus query


async def boxes_of(document: Document, chunk_ids: Sequence[str], services: Services) -> list[Box]:
    """Returns the boxes of these passages on all pages. Raises NotFound for an unknown passage."""
    if not chunk_ids:
        return []
    chunks = await asyncio.to_thread(
        services.vectors.chunks, document.document_id, document.version, limit=MAX_PASSAGES
    )
    by_id = {chunk.chunk_id: chunk for chunk in chunks}
    for chunk_id in chunk_ids:
        if chunk_id not in by_id:
            raise NotFound(
                f"The document has no passage {chunk_id}; it may have been read again since then. "
                "Search again, or leave this id out."
            )
    return [box for chunk_id in chunk_ids for box in by_id[chunk_id].boxes]


def lines_of_page(paper: Paper, number: int) -> Iterator[tuple[str, Box]]:
    """Yields the text and the box of each upright line of a page, in reading order."""
    for block in paper.blocks:
        starts = [start for start, _ in block.lines]
        for (start, end), (_, box) in zip(
            pairwise([*starts, len(block.text)]), block.lines, strict=True
        ):
            text = block.text[start:end].strip()
            is_upright = box.x1 - box.x0 >= box.y1 - box.y0 or len(text) < _MIN_LETTERS
            if box.page == number and text and is_upright:
                yield text, box
