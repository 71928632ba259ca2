"""Opaque pagination cursors: keyset cursors of (time, id) or other keys, and offsets.

All cursors are decoded and validated here, to values that PostgreSQL accepts.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from domain.errors import InvalidRequest

CURSOR = re.compile(r"^[A-Za-z0-9_=-]{1,200}$")
KeyParser = Callable[[str], Any]  # raises ValueError and OverflowError
FIRST_YEAR = 1970
MAX_TEXT = 29  # characters of a text beside an id, so that CURSOR matches every cursor
MAX_DIGITS = 9  # of an offset: below 2^31

_INVALID = "The cursor is invalid. Pass next_cursor of the previous page unchanged."


def encode_cursor(time: datetime, name: str) -> str:
    """Returns the cursor that points behind the row with this time and id."""
    return encode_keys(time, name)


def decode_cursor(cursor: str, names: re.Pattern[str]) -> tuple[datetime, str]:
    """Returns time (UTC, 1970 or later) and id of the last row of the previous page.

    Raises InvalidRequest for malformed text and for an id that does not match `names`.
    """
    time, name = decode_keys(cursor, (time_key, name_key(names)))
    return time, name


def encode_keys(*keys: Any) -> str:
    """Returns the cursor that points behind the row with these keys; only the first is free text.

    A text of more than MAX_TEXT characters does not fit.
    """
    texts = [key.isoformat() if isinstance(key, datetime) else str(key) for key in keys]
    return base64.urlsafe_b64encode("|".join(texts).encode()).decode()


def decode_keys(cursor: str, parsers: Sequence[KeyParser]) -> list[Any]:
    """Returns the keys of the last row of the previous page. Raises InvalidRequest."""
    try:
        if not CURSOR.fullmatch(cursor):
            raise ValueError(cursor)
        texts = base64.urlsafe_b64decode(cursor).decode().rsplit("|", len(parsers) - 1)
        return [parse(text) for parse, text in zip(parsers, texts, strict=True)]
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(_INVALID) from error


def text_key(text: str) -> str:
    """Returns a text that PostgreSQL can compare. Raises ValueError."""
    if "\x00" in text:
        raise ValueError("NUL in a text")
    return text


def number_key(text: str) -> int:
    """Returns a number of one digit. Raises ValueError."""
    if not re.fullmatch("[0-9]", text):
        raise ValueError("no digit")
    return int(text)


def time_key(text: str) -> datetime:
    """Returns the time in UTC, 1970 or later. Raises ValueError and OverflowError."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("time without a time zone")
    utc = time.astimezone(UTC)  # raises OverflowError beyond the years 1 to 9999
    if utc.year < FIRST_YEAR:
        raise ValueError(f"time before {FIRST_YEAR}")
    return utc


def name_key(names: re.Pattern[str]) -> KeyParser:
    """Returns the parser of an id of this format. It raises ValueError."""

    def parse(text: str) -> str:
        if not names.fullmatch(text):
            raise ValueError("id does not match the expected format")
        return text

    return parse


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
