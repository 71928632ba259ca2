"""The note and the lock that a running service has in its home, so that others find it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NAME, LOCK = "service.json", ".lock"


def read_service_info(home: Path) -> dict[str, Any]:
    """`url`, `pid`, `ray_address` and what else the service wrote; empty when none runs there."""
    try:
        card = json.loads((home / NAME).read_text())
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}
