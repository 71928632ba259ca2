"""Places in a list, as opaque text for clients: behind a row of (time, id), or a number of items.

Every cursor is decoded here and nowhere else, to values that PostgreSQL accepts.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime

from domain.errors import InvalidRequest

CURSOR = re.compile(r"^[A-Za-z0-9_=-]{1,200}$")
FIRST_YEAR = 1970
MOST_DIGITS = 9  # of an offset: below 2^31

_REFUSAL = "The cursor is not one of ours; pass next_cursor of the previous page unchanged."


def encode_cursor(time: datetime, name: str) -> str:
    """The place just after the row with this time and id."""
    return base64.urlsafe_b64encode(f"{time.isoformat()}|{name}".encode()).decode()


def decode_cursor(cursor: str, names: re.Pattern[str]) -> tuple[datetime, str]:
    """Time (UTC, from 1970 on) and id of the last row that was seen; the id matches `names`.

    Raises InvalidRequest for any other text.
    """
    try:
        if not CURSOR.fullmatch(cursor):
            raise ValueError(cursor)
        time, name = base64.urlsafe_b64decode(cursor).decode().split("|", 1)
        return _checked_time(time), _checked_name(name, names)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(_REFUSAL) from error


def encode_offset(offset: int) -> str:
    """The place just after so many items."""
    return str(offset)


def decode_offset(cursor: str | None) -> int:
    """How many items to leave out; 0 without a cursor. Raises InvalidRequest for other text."""
    if cursor is None:
        return 0
    if not re.fullmatch(f"[0-9]{{1,{MOST_DIGITS}}}", cursor):
        raise InvalidRequest(_REFUSAL)
    return int(cursor)


def _checked_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without a zone")
    utc = time.astimezone(UTC)  # raises OverflowError beyond the years 1 to 9999
    if utc.year < FIRST_YEAR:
        raise ValueError("a time before the library")
    return utc


def _checked_name(text: str, names: re.Pattern[str]) -> str:
    if not names.fullmatch(text):
        raise ValueError("an id of another form")
    return text
