"""The note that a running service leaves in its home, so that others find it."""

from __future__ import annotations

import json
from pathlib import Path

NAME = "service.json"


def read_card(home: Path) -> dict[str, str]:
    """`url`, `ray_address` and what else the service wrote; empty when none runs there."""
    try:
        card = json.loads((home / NAME).read_text())
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}
