"""Tasks and chunks with default values."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from domain.documents import Chunk, ChunkKind, chunk_id
from domain.jobs import Lane, Task, TaskStatus
from domain.papers import Box


def make_task(**fields: Any) -> Task:
    """Returns a running bulk task with these fields."""
    defaults: dict[str, Any] = {
        "task_id": uuid.uuid4(),
        "job_id": "job",
        "document_id": "doc",
        "collection": "papers",
        "version": 1,
        "sha256": "0" * 64,
        "filename": "paper.pdf",
        "lane": Lane.BULK,
        "status": TaskStatus.RUNNING,
        "created_at": datetime.now(UTC),
    }
    return Task(**(defaults | fields))


def make_chunk(
    document_id: str = "doc",
    ordinal: int = 0,
    text: str = "Some text.",
    *,
    version: int = 1,
    kind: ChunkKind = ChunkKind.TEXT,
    **fields: Any,
) -> Chunk:
    """Returns a chunk on page 1 with these fields and the id of its content."""
    defaults: dict[str, Any] = {
        "chunk_id": chunk_id(document_id, version, ordinal, kind, text),
        "document_id": document_id,
        "version": version,
        "ordinal": ordinal,
        "kind": kind,
        "text": text,
        "section": None,
        "boxes": (Box(1, 0, 0, 9, 9),),
    }
    return Chunk(**(defaults | fields))
