"""Initial tables: collections, jobs, documents, tasks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make_collections()
    _make_jobs()
    _make_documents()
    _make_tasks()
    _index_tasks()


def _make_collections() -> None:
    op.create_table(
        "collections",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("name"),
    )


def _make_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("collection", sa.String(), nullable=False),
        sa.Column("status", sa.String(), server_default=sa.text("'queued'"), nullable=False),
        sa.Column(
            "cancel_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("admitting_until", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("purged_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("lane IN ('interactive', 'bulk')", name="lane_known"),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'completed', 'partial', 'failed', 'cancelled')",
            name="status_known",
        ),
        sa.PrimaryKeyConstraint("job_id"),
    )
    op.create_index("jobs_by_time", "jobs", ["created_at", "job_id"])
    op.create_index(
        "jobs_kept", "jobs", ["finished_at"], postgresql_where=sa.text("purged_at IS NULL")
    )
    op.create_index(
        "jobs_open", "jobs", ["status"], postgresql_where=sa.text("status IN ('queued', 'running')")
    )
    op.create_index(
        "jobs_admitting",
        "jobs",
        ["admitting_until"],
        postgresql_where=sa.text("admitting_until IS NOT NULL AND finished_at IS NULL"),
    )


def _make_documents() -> None:
    op.create_table(
        "documents",
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("collection", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), server_default=sa.text("'processing'"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("latest_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("title", sa.String()),
        sa.Column("pages", sa.Integer()),
        sa.Column("chunks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("sections", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("references", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("artifact_key", sa.String()),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("searchable_at", sa.DateTime(timezone=True)),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "status IN ('processing', 'ready', 'failed', 'deleted')", name="status_known"
        ),
        sa.ForeignKeyConstraint(["collection"], ["collections.name"]),
        sa.PrimaryKeyConstraint("document_id"),
    )
    op.create_index(
        "documents_by_collection", "documents", ["collection", "created_at", "document_id"]
    )
    op.create_index("documents_by_sha256", "documents", ["sha256"])
    op.create_index("documents_by_time", "documents", ["created_at", "document_id"])


def _make_tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("ordinal", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("collection", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("status", sa.String(), server_default=sa.text("'queued'"), nullable=False),
        sa.Column("step", sa.String(), server_default=sa.text("'read_text'"), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("isolate", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("lease_token", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True)),
        sa.Column(
            "next_attempt_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("worker", sa.String()),
        sa.Column("pages_done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("pages_total", sa.Integer()),
        sa.Column("chunks_done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("chunks_total", sa.Integer()),
        sa.Column("progressed_at", sa.DateTime(timezone=True)),
        sa.Column("searchable_at", sa.DateTime(timezone=True)),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("error", postgresql.JSONB(none_as_null=True)),
        sa.CheckConstraint("lane IN ('interactive', 'bulk')", name="lane_known"),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'completed', 'failed', 'cancelled')",
            name="status_known",
        ),
        sa.CheckConstraint("step IN ('read_text')", name="step_known"),
        sa.ForeignKeyConstraint(["document_id"], ["documents.document_id"]),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"]),
        sa.PrimaryKeyConstraint("task_id"),
    )


def _index_tasks() -> None:
    op.create_index("tasks_by_job", "tasks", ["job_id", "ordinal"])
    op.create_index(
        "tasks_open_by_document",
        "tasks",
        ["document_id"],
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )
    op.create_index(
        "tasks_open_by_job",
        "tasks",
        ["job_id"],
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )
    op.create_index(
        "tasks_queued",
        "tasks",
        ["lane", "next_attempt_at", "ordinal"],
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        "tasks_running",
        "tasks",
        ["lease_expires_at"],
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_index(
        "tasks_running_by_document",
        "tasks",
        ["document_id"],
        unique=True,
        postgresql_where=sa.text("status = 'running'"),
    )


def downgrade() -> None:
    op.drop_table("tasks")
    op.drop_table("documents")
    op.drop_table("jobs")
    op.drop_table("collections")
