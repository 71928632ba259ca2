"""The HTTP limits of one replica; the deployment creates them from the settings."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """HTTP limits of one replica. Each field is the setting of the same name under `http`."""

    host: str = "127.0.0.1"
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    max_uploads: int = 64
    max_streams: int = 128
    max_images: int = 16
    max_requests: int = 64
    max_connections: int = 2048
    header_seconds: float = 10.0
    header_limit_bytes: int = 64 * 1024
    body_piece_seconds: float = 15.0
    min_body_bytes_per_second: int = 16_000
    body_limit_bytes: int = MIB
    form_limit_bytes: int = 4096 * MIB
    answer_stall_seconds: float = 30.0

    @classmethod
    def of(cls, settings: Any) -> HttpLimits:
        """Returns the limits from an object with the same attributes (the `http` settings)."""
        given = {field.name: getattr(settings, field.name) for field in fields(cls)}
        return cls(**{**given, "hosts": tuple(given["hosts"]), "origins": tuple(given["origins"])})
