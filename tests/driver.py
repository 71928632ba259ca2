"""A program that joins a service's Ray cluster and answers questions.

`python -m tests.driver ADDRESS` reads `[name, arguments]` a line and writes `{"result": …}` or
`{"error": …}`. A process of its own, because a process can be in one Ray cluster only.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

import ray
from ray import serve
from ray.experimental import internal_kv

from domain.names import APPLICATION, EMBEDDED_STORES, EMBEDDER, JOB_MANAGER, NAMESPACE

# Of Ray and Serve (ray_constants.KV_NAMESPACE_*, serve/_private/storage/kv_store.py).
KV_NAMESPACES = (
    *(None, b"fun", b"serve", b"dashboard", b"job", b"session", b"cluster", b"healthcheck"),
    *(b"tracing", b"ray_pdb"),
)


def pids() -> dict[str, int | None]:
    """Process ids of the actors and of the embedded stores, None for one that is down."""
    manager = _answer(JOB_MANAGER, "describe")
    stores = _answer(EMBEDDED_STORES, "pids")
    runners = {f"runner_{lane}": pid for lane, pid in manager["runners"].items()}
    embedder = _answer(f"{EMBEDDER}_0", "pid")
    return {"job_manager": manager["pid"], **runners, EMBEDDER: embedder, **stores}


def describe() -> dict[str, Any]:
    """What the JobManager says of itself."""
    return _answer(JOB_MANAGER, "describe")


def submit(paths: list[str], collection: str) -> str:
    """The job that `submit` of the Serve application makes of these files."""
    return serve.get_app_handle(APPLICATION).submit.remote(paths, collection).result()


def search(query: str, collection: str) -> dict[str, Any]:
    """What `search` of the Serve application answers."""
    answer = serve.get_app_handle(APPLICATION).search.remote(query, collection).result()
    return json.loads(answer.model_dump_json())


def control_store(secrets: list[str]) -> dict[str, Any]:
    """How many entries of Ray's key-value store were read, and which hold one of these."""
    gcs: Any = internal_kv.internal_kv_get_gcs_client()
    entries = [
        (key, gcs.internal_kv_get(key, namespace) or b"")
        for namespace in KV_NAMESPACES
        for key in gcs.internal_kv_keys(b"", namespace)
    ]
    holding = [
        repr(key)
        for key, value in entries
        if any(secret.encode() in key + value for secret in secrets)
    ]
    return {"read": len(entries), "holding": holding}


def _answer(actor: str, method: str) -> Any:
    handle = ray.get_actor(actor, namespace=NAMESPACE)
    return ray.get(getattr(handle, method).remote(), timeout=60)


QUESTIONS: dict[str, Callable[..., Any]] = {
    question.__name__: question for question in (pids, describe, submit, search, control_store)
}


def main(address: str) -> None:
    """Answers until its input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes to stderr
    ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR)
    for line in sys.stdin:
        name, arguments = json.loads(line)
        try:
            answer = {"result": QUESTIONS[name](**arguments)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(sys.argv[1])
