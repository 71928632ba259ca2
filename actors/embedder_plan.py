"""The CPUs and GPUs of the embedding actors and the reranker, and whether a cluster has them."""

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

    @property
    def needs(self) -> dict[str, float]:
        """The resources of all actors together, without those that are 0."""
        needs = {"CPU": self.num_cpus * self.actors, "GPU": self.num_gpus * self.actors}
        return {kind: amount for kind, amount in needs.items() if amount}


def plan_embedders(
    actors: int,
    num_cpus: float,
    num_gpus: float | None,
    *,
    on_gpu: bool,
    nodes: Sequence[Resources],
    others: int = 0,
) -> EmbedderPlan:
    """Returns the plan. `num_gpus` None divides the GPUs of the nodes among the actors.

    An actor then gets at most one GPU, and none if the engine does not run on a GPU (`on_gpu`).
    `others`: actors of another kind that get the same share.
    """
    if num_gpus is None:
        gpus = int(_total(nodes, "GPU")) if on_gpu else 0
        num_gpus = 1 / math.ceil((actors + others) / gpus) if gpus else 0
    return EmbedderPlan(actors, num_cpus, num_gpus)


def check_plan(plan: EmbedderPlan, nodes: Sequence[Resources], *, can_grow: bool) -> None:
    """Raises RuntimeError if the nodes have no space for all actors: Ray would wait forever.

    Logs a warning instead if the cluster may add nodes (`can_grow`).
    """
    if fits(plan, nodes):
        return
    need = " and ".join(f"{amount:g} {kind}" for kind, amount in plan.needs.items())
    have = " and ".join(f"{_total(nodes, kind):g}" for kind in plan.needs)
    problem = f"The embedding actors need {need}, the cluster has {have}."
    if can_grow:
        log.warning("%s They wait for more nodes.", problem)
        return
    raise RuntimeError(
        f"{problem} Set PAPERWORKS_MODEL__ACTORS, PAPERWORKS_MODEL__NUM_GPUS or "
        "PAPERWORKS_MODEL__NUM_CPUS to smaller values, or add nodes to the cluster."
    )


def check_reranker(
    plan: EmbedderPlan, embedders: EmbedderPlan, nodes: Sequence[Resources], *, can_grow: bool
) -> None:
    """Raises RuntimeError if the nodes have no space for the reranker beside the embedding actors.

    Logs a warning instead if the cluster may add nodes (`can_grow`).
    """
    if not plan.needs or _fits_beside(plan, embedders, nodes):
        return
    need = " and ".join(f"{amount:g} {kind}" for kind, amount in plan.needs.items())
    have = " and ".join(
        f"{_total(nodes, kind):g} {kind}, {embedders.needs.get(kind, 0):g} of them for embedding"
        for kind in plan.needs
    )
    problem = f"The reranker needs {need}, the cluster has {have}."
    if can_grow:
        log.warning("%s The reranker waits for more nodes.", problem)
        return
    raise RuntimeError(
        f"{problem} Set PAPERWORKS_SEARCH__RERANKER_NUM_GPUS, PAPERWORKS_SEARCH__RERANKER_NUM_CPUS "
        "or those of PAPERWORKS_MODEL to smaller values, add nodes to the cluster, or leave "
        "PAPERWORKS_SEARCH__RERANKER empty."
    )


def fits(plan: EmbedderPlan, nodes: Sequence[Resources]) -> bool:
    """Returns whether the nodes have space for all actors of the plan."""
    return sum(_fitting(plan, node) for node in nodes) >= plan.actors


def _fits_beside(plan: EmbedderPlan, others: EmbedderPlan, nodes: Sequence[Resources]) -> bool:
    """True if a node has space for an actor of the plan and the rest for all others."""
    return any(
        _fitting(plan, node) and fits(others, [*nodes[:n], _rest(plan, node), *nodes[n + 1 :]])
        for n, node in enumerate(nodes)
    )


def _rest(plan: EmbedderPlan, node: Resources) -> Resources:
    """The resources of the node that an actor of the plan leaves."""
    used = {"CPU": plan.num_cpus, "GPU": plan.num_gpus}
    return {kind: node.get(kind, 0) - amount for kind, amount in used.items()}


def _fitting(plan: EmbedderPlan, node: Resources) -> int:
    """The number of actors that fit on the node; a share below 1 lies on a single GPU."""
    fitting = [plan.actors]
    if plan.num_cpus:
        fitting.append(_quotient(node.get("CPU", 0), plan.num_cpus))
    if 0 < plan.num_gpus < 1:
        rest, whole = math.modf(node.get("GPU", 0))
        fitting.append(int(whole) * _quotient(1, plan.num_gpus) + _quotient(rest, plan.num_gpus))
    elif plan.num_gpus:
        fitting.append(_quotient(node.get("GPU", 0), plan.num_gpus))
    return min(fitting)


def _quotient(amount: float, share: float) -> int:
    return int(amount / share + _ROUNDING)


def _total(nodes: Sequence[Resources], kind: str) -> float:
    return sum(node.get(kind, 0) for node in nodes)
