"""The state file and the lock file of a running service, in its home folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE_NAME, LOCK_NAME = "service.json", ".lock"


def read_service_info(home: Path) -> dict[str, Any]:
    """Returns the content of `service.json`; empty if no service runs in that home.

    Keys: `url`, `pid`, `ray_address`, `dashboard_url`, `ray_token_path`.
    """
    try:
        info = json.loads((home / FILE_NAME).read_text())
    except (OSError, ValueError):
        return {}
    return info if isinstance(info, dict) else {}
