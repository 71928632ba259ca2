"""Tasks for tests that need no store."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from domain.jobs import Lane, Task, TaskStatus


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
