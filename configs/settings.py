"""Settings of the service, validated by pydantic.

Precedence: arguments of the deploy file, environment variables
(`PAPERWORKS_JOBS__LEASE_SECONDS=20`), defaults. `DATABASE_URL`, `MILVUS_URI` and `BLOB_URI` are
also read without the prefix. No other module reads settings from the environment, except
stores/credentials.py, which reads passwords and tokens where they are used.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, field_validator
from pydantic_core import from_json
from pydantic_settings import BaseSettings, SettingsConfigDict

from actors.job_policy import JobPolicy
from domain.addresses import without_password
from domain.consistency import DeletionLimits
from domain.fair_share import INTERACTIVE_WEIGHT
from domain.library_search import MAX_RANKED
from domain.webhooks import WebhookOptions
from embedding.embed_options import EmbedOptions
from extraction.options import ReadOptions
from runtime.dashboard_mode import DashboardMode
from runtime.http_options import HttpOptions
from runtime.sandbox.confine import SandboxMode
from runtime.sandbox.limits import LimitOptions
from stores.postgres.postgres_url import parse_postgres_url

MIB = 1024 * 1024
ADDRESSES = ("database_url", "milvus_uri", "blob_uri")
CPUS_PER_API_PROCESS = 4
"""docs/decisions/0016-api-processes.md: an API process that uses one CPU for searches makes other
processes use 1.2 CPUs; as many CPUs remain for papers."""
MAX_API_PROCESSES = 8
"""The embedded PostgreSQL accepts 200 connections, and each API process opens up to nine."""


def _from_json(value: Any) -> Any:
    """Returns the value of a JSON text: pydantic-settings decodes none for a dataclass."""
    return from_json(value) if isinstance(value, str) else value


class StoreSettings(BaseModel):
    """The stores and how long they keep records. The addresses are top-level settings."""

    milvus_name: str | None = Field(
        default=None,
        description="Alias of the Milvus collection. None: `paperworks_` and the first eight "
        "characters of the library id, so that two libraries on one server do not share it.",
    )
    milvus_token: str | None = Field(
        default=None, description="Token, or user:password, for Milvus."
    )
    milvus_database: str = Field(
        default="", description="Database in Milvus. Empty: the default database."
    )
    milvus_ca: str | None = Field(
        default=None,
        description="PEM file of the certificate authority for an https:// address of Milvus, at "
        "the same path on every node. None: the authorities that gRPC trusts.",
    )
    shared: bool = Field(
        default=False, description="True if the blob folder is mounted on every node (NFS)."
    )
    pool_size: int = Field(
        default=8, ge=1, description="Size of the PostgreSQL connection pool of each process."
    )
    trash_days: float = Field(
        default=30,
        ge=0,
        description="Days that a PDF which no paper uses stays in the trash. 0: until the next "
        "hourly cleanup.",
    )
    record_days: float = Field(
        default=90,
        ge=1,
        description="Days that records of deleted papers, expired jobs and empty collections are "
        "kept, but at least `trash_days` plus 7.",
    )
    deletion: DeletionLimits = DeletionLimits()


@dataclass(frozen=True)
class ModelSettings(EmbedOptions):
    """The embedding model and the actors that hold it."""

    engine: Annotated[
        str, Field(description="auto, openvino-int8, openvino-bf16, torch-fp32, …")
    ] = "auto"
    actors: Annotated[int, Field(ge=1, description="Number of embedding actors.")] = 1
    num_cpus: Annotated[
        float, Field(description="CPUs that Ray reserves for each embedding actor.")
    ] = 0
    num_gpus: Annotated[
        float | None,
        Field(
            ge=0,
            description="GPUs that Ray reserves for each embedding actor; below 1, several actors "
            "share one. None: the GPUs of the cluster are divided among the actors.",
        ),
    ] = None
    threads: Annotated[
        int, Field(description="CPU threads of each embedding actor; 0: all cores.")
    ] = 0


@dataclass(frozen=True)
class SearchSettings:
    """The optional reranker of searches, and the actor that holds it."""

    reranker: Annotated[
        str,
        Field(
            description="A sentence-transformers CrossEncoder with one score: the name of a "
            "Hugging Face repository, or a folder. Empty: searches are not reranked."
        ),
    ] = ""
    rerank_candidates: Annotated[
        int,
        Field(
            ge=1,
            le=MAX_RANKED,
            description="Passages of a search that are reranked; further hits follow them.",
        ),
    ] = 50
    rerank_seconds: Annotated[
        float,
        Field(gt=0, description="A search waits this long for the reranker, in seconds."),
    ] = 10
    reranker_num_cpus: Annotated[
        float, Field(ge=0, description="CPUs that Ray reserves for the reranker.")
    ] = 0
    reranker_num_gpus: Annotated[
        float | None,
        Field(
            ge=0,
            description="GPUs that Ray reserves for the reranker. None: as for an embedding actor "
            "if `model.num_gpus` is None too, otherwise 0.",
        ),
    ] = None
    reranker_threads: Annotated[
        int, Field(ge=0, description="CPU threads of the reranker; 0: all cores.")
    ] = 0


@dataclass(frozen=True, kw_only=True)
class LaneSettings:
    """How one lane takes its work."""

    batch: Annotated[
        int | None,
        Field(
            ge=1,
            description="Maximum number of documents of a micro-batch (one Dataset). None: 16, or "
            "as many as the lane needs on a larger machine.",
        ),
    ] = None
    runs: Annotated[
        int,
        Field(
            description="Micro-batches that run concurrently. Except in the interactive lane, one "
            "starts when the others leave CPUs of the lane idle."
        ),
    ] = 1
    split_embed: Annotated[
        bool,
        Field(
            description="Run embedding in separate tasks (GPU clusters). False: fuse all stages."
        ),
    ] = False
    num_cpus: Annotated[float, Field(description="CPUs of one document.")] = 1.0
    cpus: Annotated[
        float | None,
        Field(
            description="CPUs that the lane may use. None: an eighth each for OCR and layout; for "
            "the bulk lane what the interactive lane leaves, and OCR and layout while they have "
            "work."
        ),
    ] = None


@dataclass(frozen=True)
class JobSettings(JobPolicy):
    """The policy of leases and retries, the queue limit, and the lanes."""

    queue_limit: Annotated[
        int,
        Field(
            ge=1,
            description="Maximum number of unfinished papers of a collection; above it, uploads to "
            "the collection are answered 429.",
        ),
    ] = 250_000
    collection_weights: Annotated[
        dict[str, Annotated[float, Field(gt=0)]],
        BeforeValidator(_from_json),
        Field(
            description="Share of a collection in each lane relative to others, by name; 1 if "
            "absent. JSON in the environment variable."
        ),
    ] = field(default_factory=dict)
    interactive_weight: Annotated[
        float,
        Field(
            gt=0,
            description="Share of the single uploads of a collection relative to one other job, "
            "in each lane; and of interactive work relative to all other in the embedding actors.",
        ),
    ] = INTERACTIVE_WEIGHT
    interactive: LaneSettings = LaneSettings(batch=16, runs=2, num_cpus=0.5, cpus=0.5)
    # More papers than CPUs: some wait for their vectors. Two papers on two cores (record 17).
    bulk: LaneSettings = LaneSettings(runs=2, num_cpus=0.75)
    ocr: LaneSettings = LaneSettings(batch=4, num_cpus=0.25)
    layout: LaneSettings = LaneSettings(batch=16, num_cpus=0.25)


@dataclass(frozen=True)
class ReadSettings(ReadOptions):
    """How documents are read, and what the process that reads them may do."""

    sandbox: Annotated[
        SandboxMode,
        Field(
            description="Confinement of the parser process (files, network, processes) by the "
            "kernel. auto: everything that this kernel supports; require: documents are read only "
            "with Landlock and seccomp; off: limits only."
        ),
    ] = SandboxMode.AUTO
    limits: LimitOptions = LimitOptions()


class RaySettings(BaseModel):
    """The Ray cluster of the service."""

    address: str | None = Field(
        default=None, description="Address of a running cluster. None: start one on this machine."
    )
    autoscaling: bool = Field(
        default=True,
        description="A running cluster (`ray.address`) may add nodes. False: embedding actors for "
        "which its nodes have no space are rejected at the start.",
    )
    num_cpus: int = Field(
        default_factory=lambda: max(2, len(os.sched_getaffinity(0))),
        description="CPUs of a cluster that the service starts.",
    )
    num_gpus: int | None = Field(
        default=None,
        description="GPUs of a cluster that the service starts. None: detected by Ray.",
    )
    dashboard: DashboardMode = Field(
        default=DashboardMode.FULL,
        description="full: every page of the Ray dashboard; lean: no cluster status, no Datasets, "
        "no events, for 0.2 GB less memory; off: no dashboard. `ray job submit` requires full or "
        "lean. On a running cluster (`ray.address`) only full shows Datasets.",
    )
    dashboard_port: int = Field(
        default=8265, description="Port of the dashboard. If it is in use, the next free port."
    )
    object_store_bytes: int = Field(
        default=256 * MIB,
        description="Size of Ray's object store on a node that the service starts, in bytes.",
    )

    @property
    def can_grow(self) -> bool:
        """True if the cluster may add nodes; a cluster that the service starts has one node."""
        return self.address is not None and self.autoscaling


class Settings(BaseSettings):
    """All settings. Passed to other processes as JSON without secrets (`without_secrets`)."""

    model_config = SettingsConfigDict(
        env_prefix="PAPERWORKS_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
        populate_by_name=True,
        extra="forbid",
    )

    home: Path = Field(
        default=Path("var"),
        validate_default=True,
        description="Home folder of the service; embedded stores keep all data in it.",
    )
    database_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("database_url", "DATABASE_URL"),
        description="postgresql://… with the parameters of libpq (docs/deployment.md). None: "
        "embedded PostgreSQL in home.",
    )
    milvus_uri: str | None = Field(
        default=None,
        validation_alias=AliasChoices("milvus_uri", "MILVUS_URI"),
        description="http://host:19530 or https://…. None: embedded Milvus Lite in home.",
    )
    blob_uri: str | None = Field(
        default=None,
        validation_alias=AliasChoices("blob_uri", "BLOB_URI"),
        description="file:///shared/… or s3://…. None: the folder `blobs` in home.",
    )
    http: HttpOptions = HttpOptions()
    stores: StoreSettings = StoreSettings()
    model: ModelSettings = ModelSettings()
    search: SearchSettings = SearchSettings()
    jobs: JobSettings = JobSettings()
    read: ReadSettings = ReadSettings()
    webhooks: WebhookOptions = WebhookOptions()
    ray: RaySettings = RaySettings()

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        """Returns an absolute path: other processes have other working directories."""
        return home.expanduser().resolve()

    @field_validator("database_url")
    @classmethod
    def _understood(cls, url: str | None) -> str | None:
        """Raises InvalidSetting; unlike a ValidationError it does not contain the password."""
        if url:
            parse_postgres_url(url)
        return url

    def without_secrets(self) -> str:
        """Returns the settings as JSON, for `Settings.model_validate_json` in another process.

        Passwords in addresses and the Milvus token are removed. Each process reads them from its
        own environment (stores/credentials.py).
        """
        addresses = {name: getattr(self, name) for name in ADDRESSES}
        public = {name: without_password(url) for name, url in addresses.items() if url}
        stores = self.stores.model_copy(update={"milvus_token": None})
        return self.model_copy(update={**public, "stores": stores}).model_dump_json()

    @property
    def api_processes(self) -> int:
        """Returns the number of replicas of the API: `http.replicas`, or one for every
        CPUS_PER_API_PROCESS of a cluster that the service starts."""
        if self.http.replicas is not None:
            return self.http.replicas
        cpus = 0 if self.ray.address else self.ray.num_cpus
        return min(max(1, cpus // CPUS_PER_API_PROCESS), MAX_API_PROCESSES)

    @property
    def blob_address(self) -> str:
        """Returns the address of the blob store: `blob_uri`, or the folder `blobs` in home."""
        return self.blob_uri or f"file://{self.home / 'blobs'}"

    @property
    def local_folders(self) -> list[Path]:
        """Returns the local folders that the service writes to: home, and a local blob store."""
        scheme, _, path = self.blob_address.partition("://")
        return [self.home, *([Path(path)] if scheme in ("file", "local") else [])]
