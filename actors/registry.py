"""Finds and creates the named, detached actors of the service."""

from __future__ import annotations

from typing import Any

import ray
from ray.actor import ActorHandle

from domain.names import EMBEDDER, NAMESPACE

# Option of actors that run on the head, beside the GCS and Serve's controller: workers of a cluster
# may be spot machines, and without the head there is no cluster. Ray gives the head this resource.
ON_HEAD = {"resources": {"node:__internal_head__": 0.001}}


def detached_actor(plain: type, name: str, **options: Any) -> Any:
    """Returns the detached actor of that name; creates it from the plain class if none runs."""
    remote: Any = ray.remote(max_restarts=-1, **options)(plain)
    return remote.options(name=name, namespace=NAMESPACE, lifetime="detached", get_if_exists=True)


def get_actor(name: str) -> ActorHandle | None:
    """Returns the running actor of that name, or None."""
    try:
        return ray.get_actor(name, namespace=NAMESPACE)
    except ValueError:
        return None


def embedders(count: int) -> tuple[ActorHandle, ...]:
    """Returns the handles of the embedding actors."""
    return tuple(
        ray.get_actor(f"{EMBEDDER}_{number}", namespace=NAMESPACE) for number in range(count)
    )
