"""SQLModel tables. States are text with a CHECK, so that a state can be added without a table rewrite."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Table, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from domain.documents import DocumentStatus
from domain.jobs import JobStatus, Lane, Step, TaskStatus


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def _timestamp(nullable: bool = True) -> Any:
    default = None if nullable else text("clock_timestamp()")
    return Column(DateTime(timezone=True), nullable=nullable, server_default=default)


class CollectionRow(SQLModel, table=True):
    """A named set of documents; made by its first upload."""

    __tablename__ = "collections"  # pyright: ignore[reportAssignmentType]

    name: str = Field(primary_key=True)
    created_at: datetime | None = Field(None, sa_column=_timestamp(nullable=False))


class DocumentRow(SQLModel, table=True):
    """A paper in a collection. `version` is shown by searches; `latest_version` is the newest asked for."""

    __tablename__ = "documents"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        _one_of("status", DocumentStatus),
        Index("documents_by_collection", "collection", "created_at", "document_id"),
        Index("documents_by_sha256", "sha256"),
    )

    document_id: str = Field(primary_key=True)
    collection: str = Field(foreign_key="collections.name")
    sha256: str
    filename: str
    bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    status: str = DocumentStatus.PROCESSING
    version: int = 1
    latest_version: int = 1
    title: str | None = None
    pages: int | None = None
    chunks: int = 0
    sections: int = 0
    references: int = 0
    artifact_key: str | None = None
    created_at: datetime | None = Field(None, sa_column=_timestamp(nullable=False))
    searchable_at: datetime | None = Field(None, sa_column=_timestamp())
    deleted_at: datetime | None = Field(None, sa_column=_timestamp())


class JobRow(SQLModel, table=True):
    """What somebody asked for; `purged_at` marks a job whose tasks were cleaned up."""

    __tablename__ = "jobs"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        _one_of("status", JobStatus),
        _one_of("lane", Lane),
        Index("jobs_by_time", "created_at", "job_id"),
        Index("jobs_open", "status", postgresql_where=text("status IN ('queued', 'running')")),
    )

    job_id: str = Field(primary_key=True)
    kind: str
    lane: str
    collection: str
    status: str = JobStatus.QUEUED
    cancel_requested: bool = False
    created_at: datetime | None = Field(None, sa_column=_timestamp(nullable=False))
    started_at: datetime | None = Field(None, sa_column=_timestamp())
    finished_at: datetime | None = Field(None, sa_column=_timestamp())
    expires_at: datetime | None = Field(None, sa_column=_timestamp())
    purged_at: datetime | None = Field(None, sa_column=_timestamp())


class TaskRow(SQLModel, table=True):
    """One document's work. A write is valid only with the current `lease_token` and status running."""

    __tablename__ = "tasks"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        _one_of("status", TaskStatus),
        _one_of("lane", Lane),
        _one_of("step", Step),
        Index(
            "tasks_queued",
            "lane",
            "isolate",
            "created_at",
            "task_id",
            postgresql_where=text("status = 'queued'"),
        ),
        Index("tasks_running", "lease_expires_at", postgresql_where=text("status = 'running'")),
        Index("tasks_by_job", "job_id", "ordinal"),
        Index(
            "tasks_open_by_job",
            "job_id",
            postgresql_where=text("status IN ('queued', 'running')"),
        ),
        Index(
            "tasks_open_by_document",
            "document_id",
            postgresql_where=text("status IN ('queued', 'running')"),
        ),
    )

    task_id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    job_id: str = Field(foreign_key="jobs.job_id")
    ordinal: int = 0
    document_id: str = Field(foreign_key="documents.document_id")
    collection: str
    version: int
    sha256: str
    filename: str
    lane: str
    status: str = TaskStatus.QUEUED
    step: str = Step.READ_TEXT
    attempt: int = 0
    max_attempts: int
    isolate: bool = False
    lease_token: int = Field(0, sa_column=Column(BigInteger, nullable=False))
    lease_expires_at: datetime | None = Field(None, sa_column=_timestamp())
    next_attempt_at: datetime | None = Field(None, sa_column=_timestamp(nullable=False))
    worker: str | None = None
    pages_done: int = 0
    pages_total: int | None = None
    chunks_done: int = 0
    chunks_total: int | None = None
    progressed_at: datetime | None = Field(None, sa_column=_timestamp())
    searchable_at: datetime | None = Field(None, sa_column=_timestamp())
    created_at: datetime | None = Field(None, sa_column=_timestamp(nullable=False))
    started_at: datetime | None = Field(None, sa_column=_timestamp())
    finished_at: datetime | None = Field(None, sa_column=_timestamp())
    error: dict[str, Any] | None = Field(None, sa_column=Column(JSONB))


COLLECTIONS, DOCUMENTS, JOBS, TASKS = (
    cast(Table, SQLModel.metadata.tables[name])
    for name in ("collections", "documents", "jobs", "tasks")
)
