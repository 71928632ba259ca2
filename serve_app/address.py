"""Where the service is: what was said, what the environment says, what `paperworks up` wrote down, the default."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

DEFAULT_URL = "http://127.0.0.1:8000"
URL_VARIABLE, HOME_VARIABLE = "PAPERWORKS_URL", "PAPERWORKS_HOME"
DEFAULT_HOME = Path("var")


def service_url(url: str | None, home: Path | None, environment: Mapping[str, str]) -> str:
    """`url`, else PAPERWORKS_URL, else `url` in `<home>/service.json`, else http://127.0.0.1:8000.

    The home is `home`, else PAPERWORKS_HOME, else ./var.
    """
    home = home or Path(environment.get(HOME_VARIABLE) or DEFAULT_HOME)
    return url or environment.get(URL_VARIABLE) or _written(home) or DEFAULT_URL


def _written(home: Path) -> str | None:
    try:
        noted = json.loads((home / "service.json").read_text())
    except (OSError, ValueError):
        return None
    url = noted.get("url") if isinstance(noted, dict) else None
    return url if isinstance(url, str) else None
