"""Resolves the URL and the home folder of the service from options and environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

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
