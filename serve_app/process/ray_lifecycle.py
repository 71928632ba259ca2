"""Starts and stops the service on Ray: the cluster, the actors and the Serve application.

Imports Ray, which reads its environment variables at import time: set them before. Every wait has a
timeout, because a cluster without a control store never answers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, wait
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import ray
from ray.exceptions import RayError, RayTaskError

from actors.cluster import RayCluster, on_cluster, result_of, start_ray
from actors.component_states import ComponentStates
from actors.job_policy import DRAIN_SECONDS
from actors.registry import embedders, get_actor
from configs.settings import RaySettings, Settings
from domain.names import JOB_MANAGER, RERANKER
from runtime.ports import is_listening
from serve_app.process.cluster_address import host_and_port
from serve_app.process.readiness import NotReady
from serve_app.process.stop_signals import StopRequested, result_or_stop

log = logging.getLogger(__name__)
START_TIMEOUT_SECONDS = 300.0
STOP_TIMEOUT_SECONDS = 14.0  # most supervisors send SIGKILL 20 s or more after SIGTERM
JOINED_STOP_TIMEOUT_SECONDS = 60.0  # the end of this process does not end the actors
REPORT_TIMEOUT_SECONDS = 10.0
POLL_SECONDS = 0.1
GIVE_UP_SECONDS = 2.0  # longer only without a control store, which a call may wait for

# As in ray.serve, whose import takes seconds.
SERVE_CONTROLLER = {"name": "SERVE_CONTROLLER_ACTOR", "namespace": "serve"}

_given_up = threading.Event()  # set when this process disconnects
_waiting = list[threading.Thread]()

T = TypeVar("T")


def connect(settings: RaySettings, temporary: Path | None) -> RayCluster:
    """Joins the configured cluster, or starts one with its session in `temporary`.

    Raises NotReady.
    """
    try:
        return start_ray(settings, _session_folder(temporary))
    except Exception as error:  # Ray raises a bare Exception if its node does not start
        reason = str(error).rstrip(". ")
        raise NotReady(f"Ray did not start: {reason}. {_recovery_advice(temporary)}") from error


def _session_folder(temporary: Path | None) -> Path | None:
    """Returns a subfolder for Ray: Ray makes it world-readable, so its parent must be private."""
    return temporary / "ray" if temporary else None


def _recovery_advice(temporary: Path | None) -> str:
    folder = _session_folder(temporary)
    logs = f"in {folder}/session_latest/logs until the next start" if folder else "on its head node"
    return (
        f"Papers and open jobs are kept. Ray's logs are {logs}; if the machine was overloaded, "
        "start the service again."
    )


def start(settings: Settings, temporary: Path | None) -> None:
    """Starts the actors and the Serve application; returns when Serve runs the API.

    The actors may still be loading. Raises NotReady, and immediately what a signal handler raises.
    """
    advice = _recovery_advice(temporary)
    abandoned, is_joined = threading.Event(), bool(settings.ray.address)
    deploy = partial(_run, _deploy, settings, START_TIMEOUT_SECONDS, abandoned, cancels=is_joined)
    try:
        result_or_stop(_in_thread(deploy))
    except StopRequested:
        abandoned.set()
        _join_threads()
        raise
    except RayTaskError as error:  # Ray derives it from the class of the cause, also TimeoutError
        reason = _root_cause(error)
        raise NotReady(f"The API and its workers did not start: {reason} {advice}") from error
    except TimeoutError as error:
        raise NotReady(
            f"The API and its workers did not start within {START_TIMEOUT_SECONDS:g} s. {advice}"
        ) from error


def serve_runs() -> bool:
    """True if Serve runs on the cluster; with a proxy, it listens since it was started first."""
    return SERVE_CONTROLLER in ray.util.list_named_actors(all_namespaces=True)


def component_states(settings: Settings) -> Callable[[], Awaitable[dict[str, str]]]:
    """Returns a function that asks the starting actors of the service what they do."""
    models = settings.home / "models"
    return ComponentStates(settings.model.actors, models, settings.search.reranker).current


def models_report(settings: Settings) -> dict[str, str]:
    """Returns where the models of the ready service run: "2 actors, torch bf16 on …" by use."""
    reports: dict[str, Callable[[], str]] = {"Embedding": partial(_embedding_report, settings)}
    if settings.search.reranker:
        reports["Reranking"] = _reranking_report
    return {use: result_or_stop(_in_thread(report)) for use, report in reports.items()}


def _embedding_report(settings: Settings) -> str:
    """Actors of an older version, on a cluster that was joined, do not report their engine."""
    try:
        actors = embedders(settings.model.actors)
    except ValueError:
        return "an actor has ended"
    engines = _engines_of([actor for actor in actors if hasattr(actor, "engine")])
    gpus = ray.cluster_resources().get("GPU", 0)
    is_unused = gpus and any(engine.endswith("on the CPU") for engine in engines)
    unused = [f"{gpus:g} GPU of the cluster not used"] if is_unused else []
    return ", ".join([f"{len(actors)} actor{'s' * (len(actors) > 1)}", *engines, *unused])


def _reranking_report() -> str:
    reranker = get_actor(RERANKER)
    return "the actor has ended" if reranker is None else _engines_of([reranker])[0]


def _engines_of(actors: Sequence[Any]) -> list[str]:
    """Returns "sentence-transformers fp32 on …" once for each engine, or that one is unknown."""
    calls = [actor.engine.remote() for actor in actors]
    deadline = time.monotonic() + REPORT_TIMEOUT_SECONDS
    try:
        return sorted({str(_result_until(deadline, call)) for call in calls})
    except (RayError, TimeoutError) as error:
        return [f"engine unknown ({type(error).__name__})"]


def _result_until(deadline: float, call: Any) -> Any:
    seconds = max(0.0, deadline - time.monotonic())
    return result_of(call, "engine", within_seconds=seconds, given_up=_given_up)


def _root_cause(error: BaseException) -> BaseException:
    """Returns the original exception; Ray wraps it once for each process it passes through."""
    while isinstance(error, RayTaskError):
        error = error.cause
    return error


def stop(settings: Settings) -> None:
    """Stops the application and the actors, then disconnects from the cluster, if connected.

    Disconnects even if the cluster is already gone (a supervisor may signal all processes of the
    service at once): its tasks are claimed again when their leases have expired.
    """
    if not ray.is_initialized():  # a call would start a cluster
        return
    # At once: the process that ends the actors first imports Serve, for seconds on a busy machine.
    drained = _in_thread(_drain)
    limit = JOINED_STOP_TIMEOUT_SECONDS if settings.ray.address else STOP_TIMEOUT_SECONDS
    ended = _in_thread(partial(_run, _undeploy, settings, limit))
    deadline = time.monotonic() + limit
    while not ended.done() and time.monotonic() < deadline and _is_cluster_there(settings):
        wait([ended], POLL_SECONDS)
    if problem := _problem(ended):
        effect = (
            f"Some may still run on the cluster at {settings.ray.address}"
            if settings.ray.address
            else "The processes of the service are killed"
        )
        log.warning("%s: %s. %s", effect, problem, _kept(drained))
    disconnect()


def _is_cluster_there(settings: Settings) -> bool:
    """False once the control store of a cluster on this machine has ended."""
    if settings.ray.address:  # a network may lose the connection of one check
        return True
    host, port = host_and_port(ray.get_runtime_context().gcs_address)
    return is_listening(port, host)


def _problem(future: Future[None]) -> BaseException | str | None:
    """Returns why the call has not succeeded; None if it has."""
    return future.exception() if future.done() else "the cluster does not respond in time"


def _kept(drained: Future[None]) -> str:
    if _problem(drained):
        return (
            "Not all tasks were returned to the queue; the others are claimed again when their "
            "leases expire."
        )
    return "All tasks were returned to the queue."


def disconnect() -> None:
    """Disconnects from the cluster; a cluster that was started here ends with that.

    Calls that still wait end before: Ray ends the process with status 1 if a thread waits for a
    task while it disconnects.
    """
    _given_up.set()
    _join_threads()
    ray.shutdown()


def _join_threads() -> None:
    for thread in filter(threading.Thread.is_alive, _waiting):
        thread.join(GIVE_UP_SECONDS)


def _in_thread(call: Callable[[], T]) -> Future[T]:
    """Runs the call, which waits for the cluster, in a thread; returns its future.

    A signal is lost during Ray's own wait, and Ray waits one minute for a missing control store and
    then aborts the process.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    thread = threading.Thread(target=run, daemon=True)
    _waiting.append(thread)
    thread.start()
    return future


def _run(
    function: Callable[[str], None],
    settings: Settings,
    timeout_seconds: float,
    given_up: threading.Event = _given_up,
    *,
    cancels: bool = False,
) -> None:
    """Runs the function in a process on the cluster."""
    arguments = settings.without_secrets()
    on_cluster(
        function, arguments, within_seconds=timeout_seconds, given_up=given_up, cancels=cancels
    )


def _drain() -> None:
    """Returns when the JobManager has returned its tasks to the queue."""
    if (manager := get_actor(JOB_MANAGER)) is not None:
        drained = manager.drain.remote(DRAIN_SECONDS)
        result_of(drained, "drain", within_seconds=STOP_TIMEOUT_SECONDS, given_up=_given_up)


def _deploy(settings: str) -> None:
    """Runs in a process on the cluster, so that the heavy imports stay there."""
    from serve_app import deployment

    deployment.deploy(settings)


def _undeploy(settings: str) -> None:
    """Runs in a process on the cluster."""
    from serve_app import deployment

    deployment.undeploy(settings)
