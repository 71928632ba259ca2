"""The processes of the service: what they do, and how much memory they use."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import psutil

from actors.registry import answer_of
from domain.names import EMBEDDED_STORES, EMBEDDER, JOB_MANAGER
from domain.system import Worker, Workforce
from domain.wording import plural

NO_ANSWER = "does not answer"
SERVERS = {"postgres": "PostgreSQL", "milvus": "Milvus Lite"}


class WorkforceReport:
    """Asks the actors of the service. `on_one_machine`: they run on this one, so their memory can
    be read."""

    def __init__(self, embedding_actors: int, *, on_one_machine: bool) -> None:
        self._embedding_actors = embedding_actors
        self._on_one_machine = on_one_machine

    async def current(self) -> Workforce:
        """Returns all processes except those of the API and of Ray."""
        manager, servers, embedders = await asyncio.gather(
            answer_of(JOB_MANAGER, "describe", {}),
            answer_of(EMBEDDED_STORES, "pids", {}),
            asyncio.gather(*map(_embedder, range(self._embedding_actors))),
        )
        workers = [*workers_of(manager or {}), *embedders, *servers_of(servers or {})]
        if self._on_one_machine:
            workers = await asyncio.to_thread(lambda: list(map(with_memory, workers)))
        return Workforce(workers, (manager or {}).get("lanes", {}))


async def _embedder(number: int) -> Worker:
    actor = f"{EMBEDDER}_{number}"
    pid, engine = await asyncio.gather(
        answer_of(actor, "pid", None), answer_of(actor, "engine", NO_ANSWER)
    )
    return Worker(f"Embedding actor {number + 1}", pid, engine or NO_ANSWER)


def workers_of(manager: Mapping[str, Any]) -> Sequence[Worker]:
    """Returns the JobManager and its runners, from its description."""
    held = manager.get("held", 0)
    doing = f"holds {plural(held, 'paper')}" if manager else NO_ANSWER
    runners = [
        Worker(f"Runner of {', '.join(pool['lanes'])}", pool["pid"], _batches(pool["batches"]))
        for pool in manager.get("pools", ())
    ]
    return [Worker("JobManager", manager.get("pid"), doing), *runners]


def _batches(count: int) -> str:
    return f"{count} batch{'' if count == 1 else 'es'}" if count else "idle"


def servers_of(pids: Mapping[str, int | None]) -> Sequence[Worker]:
    """Returns the embedded servers that run or should run."""
    found = [(name, pids[key]) for key, name in SERVERS.items() if key in pids]
    return [Worker(name, pid, "" if pid else "is down") for name, pid in found]


def with_memory(worker: Worker) -> Worker:
    """Returns the worker with the memory of its process, unchanged if the process has ended."""
    try:
        memory = psutil.Process(worker.pid).memory_info().rss if worker.pid else None
    except psutil.Error:
        return worker
    return replace(worker, memory_bytes=memory)
