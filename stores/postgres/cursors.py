"""Opaque pagination cursors: keyset cursors of (time, id), and offsets.

All cursors are decoded and validated here, to values that PostgreSQL accepts.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime

from domain.errors import InvalidRequest

CURSOR = re.compile(r"^[A-Za-z0-9_=-]{1,200}$")
FIRST_YEAR = 1970
MAX_DIGITS = 9  # of an offset: below 2^31

_INVALID = "The cursor is invalid. Pass next_cursor of the previous page unchanged."


def encode_cursor(time: datetime, name: str) -> str:
    """Returns the cursor that points behind the row with this time and id."""
    return base64.urlsafe_b64encode(f"{time.isoformat()}|{name}".encode()).decode()


def decode_cursor(cursor: str, names: re.Pattern[str]) -> tuple[datetime, str]:
    """Returns time (UTC, 1970 or later) and id of the last row of the previous page.

    Raises InvalidRequest for malformed text and for an id that does not match `names`.
    """
    try:
        if not CURSOR.fullmatch(cursor):
            raise ValueError(cursor)
        time, name = base64.urlsafe_b64decode(cursor).decode().split("|", 1)
        return _checked_time(time), _checked_name(name, names)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(_INVALID) from error


def encode_offset(offset: int) -> str:
    """Returns the cursor that points behind `offset` items."""
    return str(offset)


def decode_offset(cursor: str | None) -> int:
    """Returns the number of items to skip, 0 without a cursor. Raises InvalidRequest."""
    if cursor is None:
        return 0
    if not re.fullmatch(f"[0-9]{{1,{MAX_DIGITS}}}", cursor):
        raise InvalidRequest(_INVALID)
    return int(cursor)


def _checked_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("time without a time zone")
    utc = time.astimezone(UTC)  # raises OverflowError beyond the years 1 to 9999
    if utc.year < FIRST_YEAR:
        raise ValueError(f"time before {FIRST_YEAR}")
    return utc


def _checked_name(text: str, names: re.Pattern[str]) -> str:
    if not names.fullmatch(text):
        raise ValueError("id does not match the expected format")
    return text
