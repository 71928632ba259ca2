"""Resolves the URL and the home folder of the service from options and environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from runtime.service_info import read_service_info

DEFAULT_URL = "http://127.0.0.1:8000"
URL_VARIABLE, HOME_VARIABLE = "PAPERWORKS_URL", "PAPERWORKS_HOME"
DEFAULT_HOME = Path("var")


def service_url(url: str | None, home: Path | None, environment: Mapping[str, str]) -> str:
    """Returns the first of `url`, PAPERWORKS_URL, the `url` in `<home>/service.json`,
    http://127.0.0.1:8000."""
    recorded = read_service_info(home_of(home, environment)).get("url")
    recorded = recorded if isinstance(recorded, str) else None
    return url or environment.get(URL_VARIABLE) or recorded or DEFAULT_URL


def home_of(home: Path | None, environment: Mapping[str, str]) -> Path:
    """Returns the first of `home`, PAPERWORKS_HOME, ./var."""
    return home or Path(environment.get(HOME_VARIABLE) or DEFAULT_HOME)


def is_readable_on_the_way(url: str) -> bool:
    """True if what is sent to the URL leaves this machine without TLS; False for an invalid URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "http" and not _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    name = host.rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761, 6.3
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
