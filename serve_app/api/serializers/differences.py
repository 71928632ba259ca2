"""Differences between the stores -> wire shapes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from domain import consistency
from domain.consistency import DeletionLimits, Differences, DocumentState, Repairs
from serve_app.schemas.consistency import (
    Consistency,
    DifferenceCounts,
    OrphanBlob,
    OrphanChunks,
    Repair,
    StoredPaper,
    StuckTask,
    WrongCount,
)

SHOWN = 100


def consistency_shape(found: Differences, limits: DeletionLimits) -> Consistency:
    """The differences, with the first hundred of each kind."""
    return Consistency(
        consistent=not any(found.counts.values()) and not found.identity,
        compared_at=found.compared_at,
        identity_problems=list(found.identity),
        deletion_refused=found.excess(limits),
        counts=DifferenceCounts(**found.counts),
        missing_chunks=list(map(_count, found.missing_chunks[:SHOWN])),
        surplus_chunks=list(map(_count, found.surplus_chunks[:SHOWN])),
        orphan_chunks=[OrphanChunks(**asdict(one)) for one in found.orphan_chunks[:SHOWN]],
        missing_artifacts=[StoredPaper(**_paper(one)) for one in found.missing_artifacts[:SHOWN]],
        orphan_blobs=[OrphanBlob(**asdict(one)) for one in found.orphan_blobs[:SHOWN]],
        missing_blobs=[StoredPaper(**_paper(one)) for one in found.missing_blobs[:SHOWN]],
        stuck_tasks=[StuckTask(**asdict(one)) for one in found.stuck_tasks[:SHOWN]],
    )


def repair_shape(found: Differences, done: Repairs, limits: DeletionLimits) -> Repair:
    """What was found and what was done."""
    return Repair(found=consistency_shape(found, limits), **asdict(done))


def _count(one: consistency.WrongCount) -> WrongCount:
    return WrongCount(**_paper(one.document), expected=one.expected, found=one.found)


def _paper(one: DocumentState) -> dict[str, Any]:
    names = ("document_id", "filename", "collection", "version")
    return {name: getattr(one, name) for name in names}
