"""Where the service is: as said, as in the environment, as `up` noted it, or the default."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from runtime.service_info import read_service_info

DEFAULT_URL = "http://127.0.0.1:8000"
URL_VARIABLE, HOME_VARIABLE = "PAPERWORKS_URL", "PAPERWORKS_HOME"
DEFAULT_HOME = Path("var")


def service_url(url: str | None, home: Path | None, environment: Mapping[str, str]) -> str:
    """`url`, else PAPERWORKS_URL, else `url` in `<home>/service.json`, else http://127.0.0.1:8000."""
    noted = read_service_info(home_of(home, environment)).get("url")
    noted = noted if isinstance(noted, str) else None
    return url or environment.get(URL_VARIABLE) or noted or DEFAULT_URL


def home_of(home: Path | None, environment: Mapping[str, str]) -> Path:
    """`home`, else PAPERWORKS_HOME, else ./var."""
    return home or Path(environment.get(HOME_VARIABLE) or DEFAULT_HOME)
