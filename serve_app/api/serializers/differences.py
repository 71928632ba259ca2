"""Serializers of the differences between the stores, and of their repair."""

from __future__ import annotations

from dataclasses import asdict

from domain import consistency
from domain.consistency import DeletionLimits, Differences, DocumentState, ListedBlob, Repairs
from serve_app.schemas import consistency as schemas

MAX_LISTED = 100  # of each kind of difference


def to_consistency_schema(differences: Differences, limits: DeletionLimits) -> schemas.Consistency:
    """Returns the differences, with the first 100 of each kind."""
    return schemas.Consistency(
        consistent=not any(differences.counts.values()) and not differences.identity,
        compared_at=differences.compared_at,
        identity_problems=list(differences.identity),
        deletion_refused=differences.excess(limits),
        counts=schemas.DifferenceCounts(**differences.counts),
        missing_chunks=list(map(_to_wrong_count_schema, differences.missing_chunks[:MAX_LISTED])),
        surplus_chunks=list(map(_to_wrong_count_schema, differences.surplus_chunks[:MAX_LISTED])),
        orphan_chunks=list(differences.orphan_chunks[:MAX_LISTED]),
        missing_artifacts=list(map(_to_paper_schema, differences.missing_artifacts[:MAX_LISTED])),
        orphan_blobs=list(map(_to_blob_schema, differences.orphan_blobs[:MAX_LISTED])),
        missing_blobs=list(map(_to_paper_schema, differences.missing_blobs[:MAX_LISTED])),
        stuck_tasks=list(differences.stuck_tasks[:MAX_LISTED]),
    )


def to_repair_schema(
    differences: Differences, repairs: Repairs, limits: DeletionLimits
) -> schemas.Repair:
    """Returns the differences and the repairs."""
    return schemas.Repair(found=to_consistency_schema(differences, limits), **asdict(repairs))


def _to_wrong_count_schema(count: consistency.WrongCount) -> schemas.WrongCount:
    paper = _to_paper_schema(count.document)
    return schemas.WrongCount(**dict(paper), expected=count.expected, found=count.found)


def _to_paper_schema(state: DocumentState) -> schemas.StoredPaper:
    return schemas.StoredPaper.model_validate(state)


def _to_blob_schema(blob: ListedBlob) -> schemas.OrphanBlob:
    return schemas.OrphanBlob.model_validate(blob)
