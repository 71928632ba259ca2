"""How a lane runs its micro-batches, and how a task of one ended; light to import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from domain.errors import Failure
from domain.jobs import Lane, StepResult, Task
from pipelines.config import PipelineConfig


@dataclass(frozen=True, slots=True)
class LaneConfig:
    """A lane's share of CPUs, and handles of the actors that embed and that hear of progress.

    `can_grow`: more nodes may be asked for. `statistics`: Datasets show on the dashboard.
    """

    recipe: PipelineConfig
    lane: Lane
    num_cpus: float
    cpus: float
    split_embed: bool
    can_grow: bool
    statistics: bool
    embedders: tuple[Any, ...]
    listener: Any = None


@dataclass(frozen=True, slots=True)
class TaskResult:
    """How a task ended: with a result or with a failure."""

    task: Task
    finished: StepResult | None
    failure: Failure | None
