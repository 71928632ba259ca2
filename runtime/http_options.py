"""The options of the HTTP server; the settings contain this class."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

MIB = 1024 * 1024


class HttpOptions(BaseModel, frozen=True):
    """The HTTP server: its address, and the limits of requests, connections and uploads."""

    host: str = Field(default="127.0.0.1", description="Address that the API listens on.")
    port: int = Field(default=8000, description="Port that the API listens on.")
    ingress: Literal["direct", "haproxy", "proxy"] = Field(
        default="direct",
        description="direct: the replicas listen on the port themselves, on one machine (one "
        "hop); haproxy: Ray's HAProxy in front of the replicas; proxy: Ray's Python proxy.",
    )
    replicas: int | None = Field(
        default=None,
        ge=1,
        description="Number of processes of the API (replicas). None: one for every four CPUs of "
        "a cluster that the service starts, at least one and at most eight; one on a running "
        "cluster.",
    )
    max_ongoing_requests: int = Field(
        default=100_000,
        ge=1,
        description="Maximum number of concurrent requests that Ray Serve passes to a replica. It "
        "is far above the sum of the other max_… limits, so that Serve never queues a request and "
        "the service itself answers 503.",
    )
    hosts: list[str] = Field(
        default=[],
        description="Host names that the service accepts in the Host header besides loopback and "
        "http.host, with or without a port, as a JSON list. Other names are answered 421.",
    )
    origins: list[str] = Field(
        default=[],
        description="Other web origins whose pages may change the library, for example "
        "https://papers.example, as a JSON list. Behind a TLS proxy: the origin of the proxy.",
    )
    folders: list[str] = Field(
        default=[],
        description="Folders, and prefixes of buckets (s3://…), that the service may read for "
        "jobs of administrators, as a JSON list. Jobs may name folders below them. Empty: no "
        "folder may be read.",
    )
    max_uploads: int = Field(
        default=64, ge=1, description="Maximum number of concurrent uploads per replica."
    )
    max_streams: int = Field(
        default=128,
        ge=1,
        description="Maximum number of concurrent event streams and long polls per replica.",
    )
    max_images: int = Field(
        default=16,
        ge=1,
        description="Maximum number of concurrent requests for page and figure images per replica.",
    )
    max_requests: int = Field(
        default=64, ge=1, description="Maximum number of other concurrent requests per replica."
    )
    max_connections: int = Field(
        default=2048,
        ge=1,
        description="Maximum number of open connections per replica (direct ingress). Above it, "
        "the connection that has been idle longest is closed.",
    )
    header_seconds: float = Field(
        default=10, gt=0, description="Maximum seconds until the request headers are complete."
    )
    header_limit_bytes: int = Field(
        default=64 * 1024,
        ge=1024,
        description="Maximum size of request line and headers, in bytes.",
    )
    body_piece_seconds: float = Field(
        default=15, gt=0, description="Maximum seconds between two pieces of a request body."
    )
    min_body_bytes_per_second: int = Field(
        default=16_000,
        ge=0,
        description="Minimum average transfer rate of a request body, measured from 15 s on.",
    )
    body_limit_bytes: int = Field(
        default=MIB,
        ge=1024,
        description="Maximum body size of requests other than uploads, in bytes.",
    )
    form_limit_bytes: int = Field(
        default=4096 * MIB,
        ge=MIB,
        description="Maximum size of a POST /documents form with all of its files, in bytes.",
    )
    answer_stall_seconds: float = Field(
        default=30,
        gt=0,
        description="Seconds after which a connection is closed whose client reads no data of the "
        "response (direct ingress).",
    )
    keep_free_bytes: int = Field(
        default=2 * 1000**3,
        ge=0,
        description="Uploads are answered 507 while a local disk that holds the blobs or home has "
        "less free space than this, in bytes.",
    )
    upload_limit_bytes: int = Field(
        default=200 * MIB, description="Maximum size of an uploaded PDF, in bytes."
    )
    max_files: int = Field(
        default=1000, description="Maximum number of files in one POST /documents."
    )
    auth: Literal["off", "required"] = Field(
        default="off",
        description="required: every request needs an API key or a signed-in browser "
        "(`paperworks keys create`). off: everyone who reaches the service has full access, which "
        "is only possible on loopback.",
    )
    requests_per_minute: int | None = Field(
        default=None,
        ge=1,
        description="Maximum number of requests per minute of one key, or of one address without "
        "keys. More are answered 429. None: no limit.",
    )
    grafana_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s\"]+)?$",
        description="Address of a Grafana whose dashboards show this service. The System page "
        "links to it. Empty: no link.",
    )
