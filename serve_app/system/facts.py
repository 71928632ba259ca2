"""What a process of the API knows about the service from its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LaneFacts:
    """The limits of a lane: papers of a batch (None: by the number of CPUs), batches at once, CPUs
    of each paper and of the lane (None: what other lanes leave)."""

    batch: int | None
    runs: int
    paper_cpus: float
    cpus: float | None = None


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """A store: its address without a password, or the folder of an embedded or local one."""

    name: str
    address: str | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """The lanes, the stores, and where to look further.

    `folders`: the local folders that the service writes to. `shares`: the weights of collections,
    and `interactive_weight` that of single uploads.
    """

    home: Path
    database: StoreFacts
    vectors: StoreFacts
    blobs: StoreFacts
    lanes: Mapping[str, LaneFacts] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    interactive_weight: float = 1.0
    folders: tuple[Path, ...] = ()
    api_processes: int = 1
    grafana_url: str = ""
