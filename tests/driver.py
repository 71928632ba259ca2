"""A program that joins the Ray cluster of a service and runs commands (`tests/programs.py`)."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import ray
from ray import serve
from ray.experimental import internal_kv

from domain.names import APPLICATION, EMBEDDED_STORES, EMBEDDER, JOB_MANAGER, NAMESPACE
from tests.programs import run_commands

# Namespaces of Ray and Serve (ray_constants.KV_NAMESPACE_*, serve/_private/storage/kv_store.py).
KV_NAMESPACES = (
    *(None, b"fun", b"serve", b"dashboard", b"job", b"session", b"cluster", b"healthcheck"),
    *(b"tracing", b"ray_pdb"),
)


def pids() -> dict[str, int | None]:
    """Returns the pids of the actors and of the embedded stores; None if a process is down."""
    manager = _call_actor(JOB_MANAGER, "describe")
    stores = _call_actor(EMBEDDED_STORES, "pids")
    runners = {f"runner_{lane}": pid for lane, pid in manager["runners"].items()}
    embedder = _call_actor(f"{EMBEDDER}_0", "pid")
    return {"job_manager": manager["pid"], **runners, EMBEDDER: embedder, **stores}


def describe() -> dict[str, Any]:
    """Returns the description of the JobManager."""
    return _call_actor(JOB_MANAGER, "describe")


def submit(paths: list[str], collection: str) -> str:
    """Submits the files with `submit` of the Serve application; returns the job id."""
    return serve.get_app_handle(APPLICATION).submit.remote(paths, collection).result()


def search(query: str, collection: str) -> dict[str, Any]:
    """Returns the response of `search` of the Serve application."""
    response = serve.get_app_handle(APPLICATION).search.remote(query, collection).result()
    return json.loads(response.model_dump_json())


def search_key_value_store(texts: list[str]) -> dict[str, Any]:
    """Returns the number of entries of Ray's key-value store, and the keys of those with a text."""
    gcs: Any = internal_kv.internal_kv_get_gcs_client()
    entries = [
        (key, gcs.internal_kv_get(key, namespace) or b"")
        for namespace in KV_NAMESPACES
        for key in gcs.internal_kv_keys(b"", namespace)
    ]
    found = [
        repr(key) for key, value in entries if any(text.encode() in key + value for text in texts)
    ]
    return {"entries": len(entries), "found": found}


def _call_actor(actor: str, method: str) -> Any:
    handle = ray.get_actor(actor, namespace=NAMESPACE)
    return ray.get(getattr(handle, method).remote(), timeout=60)


COMMANDS: dict[str, Callable[..., Any]] = {
    command.__name__: command
    for command in (pids, describe, submit, search, search_key_value_store)
}


def main(address: str) -> None:
    """Runs commands until the input ends."""
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    run_commands(COMMANDS, partial(ray.init, address=address, namespace=NAMESPACE, **quiet))


if __name__ == "__main__":
    main(sys.argv[1])
