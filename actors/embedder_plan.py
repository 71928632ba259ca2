"""The CPUs and GPUs of the embedding actors, and whether a cluster has them."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)

Resources = Mapping[str, float]  # of a node, as Ray names them: CPU, GPU
_ROUNDING = 1e-6  # of quotients such as 1 / (1 / 3)


@dataclass(frozen=True, slots=True)
class EmbedderPlan:
    """The number of embedding actors, and the share of each."""

    actors: int
    num_cpus: float
    num_gpus: float


def plan_embedders(
    actors: int,
    num_cpus: float,
    num_gpus: float | None,
    *,
    on_gpu: bool,
    nodes: Sequence[Resources],
) -> EmbedderPlan:
    """Returns the plan. `num_gpus` None divides the GPUs of the nodes among the actors.

    An actor then gets at most one GPU, and none if the engine does not run on a GPU (`on_gpu`).
    """
    if num_gpus is None:
        gpus = int(_total(nodes, "GPU")) if on_gpu else 0
        num_gpus = 1 / math.ceil(actors / gpus) if gpus else 0
    return EmbedderPlan(actors, num_cpus, num_gpus)


def check_plan(plan: EmbedderPlan, nodes: Sequence[Resources], *, can_grow: bool) -> None:
    """Raises RuntimeError if the nodes have no space for all actors: Ray would wait forever.

    Logs a warning instead if the cluster may add nodes (`can_grow`).
    """
    if sum(_fitting(plan, node) for node in nodes) >= plan.actors:
        return
    needs = {"CPU": plan.num_cpus * plan.actors, "GPU": plan.num_gpus * plan.actors}
    need = " and ".join(f"{amount:g} {kind}" for kind, amount in needs.items() if amount)
    have = " and ".join(f"{_total(nodes, kind):g}" for kind, amount in needs.items() if amount)
    problem = f"The embedding actors need {need}, the cluster has {have}."
    if can_grow:
        log.warning("%s They wait for more nodes.", problem)
        return
    raise RuntimeError(
        f"{problem} Set PAPERWORKS_MODEL__ACTORS, PAPERWORKS_MODEL__NUM_GPUS or "
        "PAPERWORKS_MODEL__NUM_CPUS to smaller values, or add nodes to the cluster."
    )


def _fitting(plan: EmbedderPlan, node: Resources) -> int:
    """The number of actors that fit on the node; a share below 1 lies on a single GPU."""
    fitting = [plan.actors]
    if plan.num_cpus:
        fitting.append(_quotient(node.get("CPU", 0), plan.num_cpus))
    if 0 < plan.num_gpus < 1:
        fitting.append(int(node.get("GPU", 0)) * _quotient(1, plan.num_gpus))
    elif plan.num_gpus:
        fitting.append(_quotient(node.get("GPU", 0), plan.num_gpus))
    return min(fitting)


def _quotient(amount: float, share: float) -> int:
    return int(amount / share + _ROUNDING)


def _total(nodes: Sequence[Resources], kind: str) -> float:
    return sum(node.get(kind, 0) for node in nodes)
