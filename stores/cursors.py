"""Places in a list ordered by (time, id), as opaque text for clients."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

from domain.errors import InvalidRequest


def encode_cursor(time: datetime, name: str) -> str:
    """The place just after the row with this time and id."""
    return base64.urlsafe_b64encode(f"{time.isoformat()}|{name}".encode()).decode()


def decode_cursor(cursor: str) -> tuple[datetime, str]:
    """Time and id of the last row that was seen. Raises InvalidRequest for other text."""
    try:
        time, name = base64.urlsafe_b64decode(cursor.encode()).decode().split("|", 1)
        return datetime.fromisoformat(time), name
    except (ValueError, binascii.Error) as error:
        raise InvalidRequest(
            "The cursor is not one of ours; pass next_cursor of the previous page unchanged."
        ) from error
