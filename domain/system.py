"""The state of the running service: its lanes, its workers, and the sizes of its stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LaneQueue:
    """The open papers of a lane. `waiting_since`: the upload of the one that waits longest."""

    queued: int = 0
    running: int = 0
    waiting_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoreTotals:
    """What the database records about the stores: papers that are not deleted, the bytes of their
    PDFs, their searchable passages, and deletions that are not done yet."""

    papers: int = 0
    pdf_bytes: int = 0
    passages: int = 0
    deletions: int = 0
    database_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Worker:
    """A process of the service; `pid` None: it does not answer. `activity` is what it does."""

    name: str
    pid: int | None = None
    activity: str = ""
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Workforce:
    """The processes of the service, and the papers that the JobManager has taken from each lane."""

    workers: Sequence[Worker] = ()
    claimed: Mapping[str, int] = field(default_factory=dict)
