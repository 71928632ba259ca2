"""Every number and address of the service, typed; the only reader of the environment, but for
passwords and tokens, which stores/credentials.py looks up where they are used.

Order of precedence: arguments of the deploy file, then the environment
(`PAPERWORKS_JOBS__LEASE_SECONDS=20`), then the defaults below. `DATABASE_URL`, `MILVUS_URI` and
`BLOB_URI` go by their plain names too.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from actors.job_policy import JobPolicy
from domain.addresses import without_password
from extraction.options import ReadOptions
from pipelines.embed_options import EmbedOptions
from runtime.sandbox.confine import SandboxMode
from runtime.sandbox.limits import LimitOptions
from stores.postgres.postgres_url import parse_postgres_url

MIB = 1024 * 1024
ADDRESSES = ("database_url", "milvus_uri", "blob_uri")


class HttpSettings(BaseModel):
    """The door: where it listens and what it lets in."""

    host: str = Field(default="127.0.0.1", description="Address that the API listens on.")
    port: int = Field(default=8000, description="Port that the API listens on.")
    ingress: Literal["direct", "haproxy", "proxy"] = Field(
        default="direct",
        description="direct: the replica itself listens (one replica, one hop); haproxy: Ray's "
        "HAProxy in front of the replicas; proxy: Ray's Python proxy.",
    )
    replicas: int = Field(default=1, ge=1, description="Replicas of the API.")
    max_ongoing_requests: int = Field(
        default=100_000,
        ge=1,
        description="Requests that Ray Serve lets into a replica at once; far above all max_… "
        "together, so that Serve never queues one and the service itself answers 503.",
    )
    hosts: list[str] = Field(
        default=[],
        description="Names beside loopback and http.host under which clients may address the "
        "service (Host header), with or without a port, as a JSON list; any other is answered 421.",
    )
    origins: list[str] = Field(
        default=[],
        description="Other web origins whose pages may change the library, such as "
        "https://papers.example, as a JSON list; behind a proxy that speaks TLS, its own origin.",
    )
    max_uploads: int = Field(default=64, ge=1, description="Uploads at once per replica.")
    max_streams: int = Field(
        default=128, ge=1, description="Event streams and long polls at once per replica."
    )
    max_images: int = Field(
        default=16, ge=1, description="Page and figure images at once per replica."
    )
    max_requests: int = Field(default=64, ge=1, description="Other requests at once per replica.")
    max_connections: int = Field(
        default=2048,
        ge=1,
        description="Open connections per replica (direct ingress); the one that is idle longest "
        "is closed for a new one.",
    )
    header_seconds: float = Field(
        default=10, gt=0, description="Within so long a request's headers are complete."
    )
    header_limit_bytes: int = Field(
        default=64 * 1024, ge=1024, description="Longest request line with headers."
    )
    body_piece_seconds: float = Field(
        default=15, gt=0, description="Longest wait for the next piece of a body."
    )
    min_body_bytes_per_second: int = Field(
        default=16_000, ge=0, description="Lowest average speed of a body, after 15 s."
    )
    body_limit_bytes: int = Field(
        default=MIB, ge=1024, description="Largest body of a request that is no upload."
    )
    form_limit_bytes: int = Field(
        default=4096 * MIB,
        ge=MIB,
        description="Largest form of POST /documents, all its files.",
    )
    answer_stall_seconds: float = Field(
        default=30,
        gt=0,
        description="A client that takes nothing of its answer for so long "
        "is cut off (direct ingress).",
    )
    keep_free_bytes: int = Field(
        default=2 * 1000**3,
        ge=0,
        description="Uploads are refused (507) while a local disk of the papers or of home has "
        "less free space.",
    )
    upload_limit_bytes: int = Field(default=200 * MIB, description="Largest PDF accepted.")
    max_files: int = Field(default=1000, description="Most files in one POST /documents.")
    trust_network: bool = Field(
        default=False,
        description="Allow an address other than loopback although there are no API keys.",
    )


class DeletionSettings(BaseModel):
    """What a comparison of the stores may delete without being told to."""

    derived: int = Field(
        default=1000,
        ge=0,
        description="Most orphan chunks, and most orphan artifacts, that are deleted unless they "
        "are less than `derived_share` of all.",
    )
    derived_share: float = Field(
        default=0.2, ge=0, le=1, description="Share of all chunks, or of all artifacts."
    )
    pdfs: int = Field(
        default=20, ge=0, description="Most unused PDFs that one run moves to the trash."
    )


class StoreSettings(BaseModel):
    """Where things rest; an empty address means the embedded one."""

    milvus_name: str | None = Field(
        default=None,
        description="Alias of the Milvus collection; none: `paperworks_` and the first eight "
        "characters of the library's id, so that no two libraries on one server share it.",
    )
    milvus_token: str | None = Field(default=None, description="Token or user:password of Milvus.")
    milvus_database: str = Field(default="", description="Database of Milvus; none: its default.")
    milvus_ca: str | None = Field(
        default=None,
        description="PEM file of the certificate authority of an https:// Milvus, at the same path "
        "on every node; none: those of gRPC.",
    )
    shared: bool = Field(
        default=False, description="The blob folder is mounted on every node (NFS)."
    )
    pool_size: int = Field(default=8, description="PostgreSQL connections per process.")
    trash_days: float = Field(
        default=30,
        ge=0,
        description="Days that a PDF which no paper uses stays in the trash; 0: until the next "
        "upkeep.",
    )
    record_days: float = Field(
        default=90,
        ge=1,
        description="Days that the records of deleted papers, of cleaned up jobs and of empty "
        "collections are kept, and never less than a week longer than `trash_days`.",
    )
    deletion: DeletionSettings = DeletionSettings()


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
        float, Field(description="GPUs that Ray reserves for each embedding actor.")
    ] = 0
    threads: Annotated[
        int, Field(description="CPU threads of each embedding actor; 0: all cores.")
    ] = 0


@dataclass(frozen=True, kw_only=True)
class LaneSettings:
    """How one lane takes its work."""

    batch: Annotated[
        int, Field(description="Maximum number of documents of a micro-batch (one Dataset).")
    ]
    runs: Annotated[int, Field(description="Micro-batches that run concurrently.")] = 1
    split_embed: Annotated[
        bool,
        Field(
            description="Embedding runs in tasks of its own (GPU clusters); False fuses all steps."
        ),
    ] = False
    num_cpus: Annotated[float, Field(description="CPUs of one document.")] = 1.0
    cpus: Annotated[
        float | None,
        Field(
            description="CPUs that the lane may use; none: an eighth for OCR and for layout, the "
            "rest for the others."
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
    interactive: LaneSettings = LaneSettings(batch=16, runs=2, num_cpus=0.5, cpus=0.5)
    # Two papers at once on one CPU: one is read while the other waits for its vectors.
    bulk: LaneSettings = LaneSettings(batch=16, num_cpus=0.5)
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
    """The cluster under the service."""

    address: str | None = Field(
        default=None, description="A running cluster; none: start one here."
    )
    num_cpus: int = Field(
        default_factory=lambda: max(2, len(os.sched_getaffinity(0))),
        description="CPUs of a cluster started here.",
    )
    num_gpus: int | None = Field(
        default=None, description="GPUs of a cluster started here; none: detect."
    )
    dashboard: bool = Field(
        default=True, description="Run the Ray dashboard (needed by ray job submit)."
    )
    dashboard_port: int = Field(
        default=8265, description="Port of the dashboard, the next free one if taken."
    )
    data_statistics: bool = Field(
        default=False,
        description="Show Datasets of the bulk lane on the dashboard; costs 0.1 GB and more.",
    )
    object_store_bytes: int = Field(
        default=256 * MIB, description="Ray's object store on a started node."
    )


class Settings(BaseSettings):
    """Everything, in one object that crosses process borders as JSON without secrets."""

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
        description="Folder for everything that is kept.",
    )
    database_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("database_url", "DATABASE_URL"),
        description="postgresql://… with libpq's parameters (docs/deployment.md); none: embedded "
        "PostgreSQL under home.",
    )
    milvus_uri: str | None = Field(
        default=None,
        validation_alias=AliasChoices("milvus_uri", "MILVUS_URI"),
        description="http://host:19530; none: embedded Milvus Lite under home.",
    )
    blob_uri: str | None = Field(
        default=None,
        validation_alias=AliasChoices("blob_uri", "BLOB_URI"),
        description="file:///shared/… or s3://…; none: the folder blobs under home.",
    )
    http: HttpSettings = HttpSettings()
    stores: StoreSettings = StoreSettings()
    model: ModelSettings = ModelSettings()
    jobs: JobSettings = JobSettings()
    read: ReadSettings = ReadSettings()
    ray: RaySettings = RaySettings()

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        """Settings travel to processes with other working folders."""
        return home.expanduser().resolve()

    @field_validator("database_url")
    @classmethod
    def _understood(cls, url: str | None) -> str | None:
        """Raises InvalidSetting, which unlike a ValidationError does not show the password."""
        if url:
            parse_postgres_url(url)
        return url

    def without_secrets(self) -> str:
        """JSON for another process, `Settings.model_validate_json` reads it there.

        Passwords in addresses and the token of Milvus stay behind: whoever connects has them in its
        own environment (stores/credentials.py).
        """
        addresses = {name: getattr(self, name) for name in ADDRESSES}
        public = {name: without_password(url) for name, url in addresses.items() if url}
        stores = self.stores.model_copy(update={"milvus_token": None})
        return self.model_copy(update={**public, "stores": stores}).model_dump_json()

    @property
    def blob_address(self) -> str:
        """The blob store in use: the configured one, or the folder under home."""
        return self.blob_uri or f"file://{self.home / 'blobs'}"
