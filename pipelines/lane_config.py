"""The configuration of a lane, and the result of a task. Imports no heavy library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from domain.errors import Failure
from domain.jobs import Lane, StepResult, Task
from pipelines.config import PipelineConfig


@dataclass(frozen=True, slots=True)
class LaneConfig:
    """The CPUs of a lane, and the handles of the embedding actors and of the progress listener.

    `can_grow`: Ray may request more nodes. `statistics`: the dashboard shows the Datasets.
    """

    config: PipelineConfig
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
    """The result or the failure of a task."""

    task: Task
    finished: StepResult | None
    failure: Failure | None
