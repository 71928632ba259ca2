"""Metadata, tables, figures and quality of documents; citations; the steps after reading text."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXTS = ("title_key", "abstract", "doi", "arxiv_id", "language")
COUNTS = ("year", "tables", "figures")
JSON = {"authors": "[]", "keywords": "[]", "quality": "{}"}
LANES = ("interactive", "bulk", "ocr", "layout")
STEPS = ("read_text", "ocr", "layout")


def upgrade() -> None:
    _describe_documents()
    _make_citations()
    _allow_steps()


def _describe_documents() -> None:
    for name in TEXTS:
        op.add_column("documents", sa.Column(name, sa.String()))
    for name in COUNTS:
        op.add_column("documents", sa.Column(name, sa.Integer()))
    for name, empty in JSON.items():
        start = sa.text(f"'{empty}'")
        column = sa.Column(name, postgresql.JSONB(), nullable=False, server_default=start)
        op.add_column("documents", column)
    op.add_column("documents", _off("needs_review"))
    op.create_index("documents_by_doi", "documents", ["collection", "doi"])
    op.create_index("documents_by_arxiv_id", "documents", ["collection", "arxiv_id"])
    op.create_index("documents_by_title", "documents", ["collection", "title_key"])
    op.create_index(
        "documents_to_review",
        "documents",
        ["collection", "created_at", "document_id"],
        postgresql_where=sa.text("needs_review"),
    )


def _make_citations() -> None:
    op.create_table(
        "citations",
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("collection", sa.String(), nullable=False),
        sa.Column("doi", sa.String()),
        sa.Column("arxiv_id", sa.String()),
        sa.Column("title_key", sa.String()),
        sa.Column("year", sa.Integer()),
        sa.ForeignKeyConstraint(["document_id"], ["documents.document_id"]),
        sa.PrimaryKeyConstraint("document_id", "ordinal"),
    )
    op.create_index("citations_by_doi", "citations", ["collection", "doi"])
    op.create_index("citations_by_arxiv_id", "citations", ["collection", "arxiv_id"])
    op.create_index("citations_by_title", "citations", ["collection", "title_key"])


def _allow_steps() -> None:
    op.add_column("tasks", _off("urgent"))
    op.execute("UPDATE tasks SET urgent = true WHERE lane = 'interactive'")
    _replace_check("jobs", "lane", LANES)
    _replace_check("tasks", "lane", LANES)
    _replace_check("tasks", "step", STEPS)
    op.drop_index("tasks_queued", "tasks")
    op.create_index(
        "tasks_queued",
        "tasks",
        ["lane", sa.text("urgent DESC"), "next_attempt_at", "ordinal"],
        postgresql_where=sa.text("status = 'queued'"),
    )


def _replace_check(table: str, column: str, values: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{value}'" for value in values)
    op.drop_constraint(f"{column}_known", table, type_="check")
    op.create_check_constraint(f"{column}_known", table, f"{column} IN ({listed})")


def _off(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text("false"))


def downgrade() -> None:
    op.drop_table("citations")
    op.drop_index("tasks_queued", "tasks")
    op.drop_column("tasks", "urgent")
    op.create_index(
        "tasks_queued",
        "tasks",
        ["lane", "next_attempt_at", "ordinal"],
        postgresql_where=sa.text("status = 'queued'"),
    )
    for table, column, values in (
        ("jobs", "lane", LANES[:2]),
        ("tasks", "lane", LANES[:2]),
        ("tasks", "step", STEPS[:1]),
    ):
        _replace_check(table, column, values)
    _undescribe_documents()


def _undescribe_documents() -> None:
    for index in ("doi", "arxiv_id", "title"):
        op.drop_index(f"documents_by_{index}", "documents")
    op.drop_index("documents_to_review", "documents")
    for name in (*TEXTS, *COUNTS, *JSON, "needs_review"):
        op.drop_column("documents", name)
