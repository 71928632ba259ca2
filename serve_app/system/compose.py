"""Reads the facts of the System page from the settings."""

from __future__ import annotations

from pathlib import Path

from configs.settings import LaneSettings, Settings
from domain.addresses import without_password
from domain.jobs import Lane
from serve_app.system.facts import LaneFacts, StoreFacts, SystemFacts


def system_facts(settings: Settings) -> SystemFacts:
    """Returns the facts, without passwords."""
    stores = settings.home / "stores"
    _, *blobs = settings.local_folders
    return SystemFacts(
        home=settings.home,
        database=_store("PostgreSQL", settings.database_url, stores / "postgres"),
        vectors=_store("Milvus", settings.milvus_uri, stores / "milvus"),
        blobs=_store("Blob store", None if blobs else settings.blob_uri, *blobs),
        lanes={lane: _lane(getattr(settings.jobs, lane)) for lane in Lane},
        shares=dict(settings.jobs.collection_weights),
        interactive_weight=settings.jobs.interactive_weight,
        folders=tuple(settings.local_folders),
        api_processes=settings.api_processes,
        grafana_url=settings.http.grafana_url,
    )


def _store(name: str, url: str | None, folder: Path | None = None) -> StoreFacts:
    if url:
        return StoreFacts(name, address=without_password(url))
    return StoreFacts(name, folder=folder)


def _lane(lane: LaneSettings) -> LaneFacts:
    return LaneFacts(lane.batch, lane.runs, lane.num_cpus, lane.cpus)
