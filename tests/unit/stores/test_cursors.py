"""Cursors round-trip; any other text is rejected before a query is built."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from domain.documents import document_id
from domain.errors import InvalidRequest
from domain.identifiers import DOCUMENT_ID, JOB_ID, TASK_ID
from domain.jobs import new_job_id
from stores.postgres.cursors import (
    CURSOR,
    MAX_TEXT,
    decode_cursor,
    decode_keys,
    decode_offset,
    encode_cursor,
    encode_keys,
    encode_offset,
    name_key,
    text_key,
)
from tests.malformed import cursors

TIME = datetime(2026, 11, 27, 3, 4, 5, 678901, tzinfo=UTC)
KINDS = {"documents": DOCUMENT_ID, "jobs": JOB_ID, "failures": TASK_ID}


@pytest.mark.parametrize(
    ("name", "names"),
    [
        (document_id("papers", "0" * 64), DOCUMENT_ID),
        (new_job_id(), JOB_ID),
        (str(uuid.uuid4()), TASK_ID),
    ],
    ids=KINDS,
)
def test_cursor_round_trips(name: str, names: re.Pattern[str]) -> None:
    for time in (TIME, TIME.astimezone(timezone(timedelta(hours=-8)))):
        cursor = encode_cursor(time, name)
        assert CURSOR.fullmatch(cursor)
        assert decode_cursor(cursor, names) == (TIME, name)


@pytest.mark.parametrize("names", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("cursor", cursors().values(), ids=cursors())
def test_forged_cursor_is_rejected(cursor: str, names: re.Pattern[str]) -> None:
    with pytest.raises(InvalidRequest, match="next_cursor"):
        decode_cursor(cursor, names)


@pytest.mark.parametrize("names", KINDS.values(), ids=KINDS)
def test_cursor_of_another_list_is_rejected(names: re.Pattern[str]) -> None:
    name = new_job_id() if names is not JOB_ID else document_id("papers", "0" * 64)
    with pytest.raises(InvalidRequest):
        decode_cursor(encode_cursor(TIME, name), names)


def test_longest_text_key_fits_in_a_cursor() -> None:
    name = document_id("papers", "0" * 64)
    parsers = (text_key, name_key(DOCUMENT_ID))
    for text in ("\U0010ffff" * MAX_TEXT, "a|b|c", ""):
        cursor = encode_keys(text, name)
        assert CURSOR.fullmatch(cursor)
        assert decode_keys(cursor, parsers) == [text, name]
    with pytest.raises(InvalidRequest):
        decode_keys(encode_keys("\x00", name), parsers)


def test_offset_cursor_round_trips() -> None:
    assert decode_offset(None) == 0
    assert decode_offset(encode_offset(50)) == 50
    for text in ("", "-1", "1.5", "9" * 10, "\u0663", "1\n", " 1"):
        with pytest.raises(InvalidRequest):
            decode_offset(text)
