"""Patterns of the identifiers that clients send back; use them with `fullmatch`.

A value that does not match identifies nothing. It is rejected without a lookup, also because it may
contain characters that PostgreSQL cannot store.
"""

from __future__ import annotations

import re

DOCUMENT_ID = re.compile(r"^doc_[0-9a-f]{24}$")
JOB_ID = re.compile(r"^job_[0-9a-f]{16}$")
CHUNK_ID = re.compile(r"^[0-9a-f]{32}$")
TASK_ID = re.compile(r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
WEBHOOK_ID = re.compile(r"^wh_[0-9a-f]{16}$")
DELIVERY_ID = re.compile(r"^whd_[0-9a-f]{32}$")
COLLECTION_NAME = re.compile(r"^[A-Za-z0-9._-]{1,128}$")
COLLECTION_RULE = "1 to 128 letters, digits, hyphens, underscores or dots"
