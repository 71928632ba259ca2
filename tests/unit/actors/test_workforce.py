"""The processes of the service, from the descriptions of its actors."""

from __future__ import annotations

import os

from actors.workforce import servers_of, with_memory, workers_of
from domain.system import Worker

MANAGER = {
    "pid": 1,
    "held": 1,
    "pools": [
        {"lanes": ["interactive"], "pid": None, "batches": 0},
        {"lanes": ["bulk", "ocr"], "pid": 3, "batches": 2},
    ],
}


def test_job_manager_and_its_runners_are_workers() -> None:
    assert workers_of(MANAGER) == [
        Worker("JobManager", 1, "holds 1 paper"),
        Worker("Runner of interactive", None, "idle"),
        Worker("Runner of bulk, ocr", 3, "2 batches"),
    ]
    assert workers_of({}) == [Worker("JobManager", None, "does not answer")]


def test_embedded_servers_are_workers() -> None:
    pids = {"postgres": 7, "milvus": None, "actor": 9}
    assert servers_of(pids) == [Worker("PostgreSQL", 7), Worker("Milvus Lite", None, "is down")]
    assert servers_of({}) == []


def test_memory_is_that_of_the_process() -> None:
    assert (with_memory(Worker("this", os.getpid())).memory_bytes or 0) > 1_000_000
    for pid in (None, 2**30):
        assert with_memory(Worker("ended", pid)).memory_bytes is None
