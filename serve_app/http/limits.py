"""What one replica accepts, as values: the deployment makes them of the settings."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Limits of one replica; each field has the name and the meaning of a setting below `http`."""

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
        """The limits in an object that has them as attributes, as the settings `http` do."""
        given = {field.name: getattr(settings, field.name) for field in fields(cls)}
        return cls(**{**given, "hosts": tuple(given["hosts"]), "origins": tuple(given["origins"])})
