"""The service on Ray Serve: `build(args) -> Application`, for deploy files, `serve run` and `up`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI
from ray import serve
from ray.serve import Application

from actors.launch import Addresses, embedders, find_job_manager, launch, recipe_of
from configs.settings import Settings
from domain.errors import ServiceNotReady
from domain.jobs import Lane
from pipelines.recipe import blob_store, vector_store
from serve_app.api.app import create_api
from serve_app.services import Limits, Services
from stores.database import Database
from stores.document_store import DocumentStore
from stores.job_store import JobStore
from stores.task_queue import TaskQueue


def build(args: Settings) -> Application:
    """The application for these settings; the actors behind it are started, or found running."""
    addresses = launch(args)
    ingress = serve.deployment(
        serve.ingress(ApiBuilder(args, addresses))(Ingress),
        name="api",
        num_replicas=args.http.replicas,
        max_ongoing_requests=args.http.max_ongoing_requests,
        health_check_period_s=2,
        graceful_shutdown_timeout_s=5,
        ray_actor_options={"num_cpus": 0},
    )
    return ingress.bind(args, addresses)


class ApiBuilder:
    """Makes the FastAPI app on the replica; called by Serve there."""

    def __init__(self, settings: Settings, addresses: Addresses) -> None:
        self.settings = settings
        self.addresses = addresses

    def __call__(self) -> FastAPI:
        return create_api(connect(self.settings, self.addresses))
