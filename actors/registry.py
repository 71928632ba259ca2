"""Finds and creates the named, detached actors of the service."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import ray
from ray.actor import ActorHandle

from domain.names import EMBEDDER, NAMESPACE

log = logging.getLogger(__name__)
ANSWER_SECONDS = 0.5  # an actor answers in milliseconds unless it is being created

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


async def answer_of(actor: str, method: str, default: Any) -> Any:
    """Returns the answer of the actor; `default` if it does not exist yet or is being created;
    None if it has failed."""
    try:
        # In a thread: Ray waits for its control store, also while that is away.
        if (handle := await asyncio.to_thread(get_actor, actor)) is None:
            return default
        call = getattr(handle, method).remote()
        return await asyncio.wait_for(awaited(call), ANSWER_SECONDS)
    except TimeoutError:
        return default
    except Exception as error:  # Ray raises the error of the constructor, of any class
        log.debug("%s does not answer %s: %s", actor, method, error)
        return None


async def awaited(reference: Any) -> Any:
    """Returns the result of a call of Ray; asyncio makes tasks of coroutines only."""
    return await reference
