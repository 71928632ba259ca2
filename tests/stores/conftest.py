"""Fixtures for real stores: dedicated servers on free ports, stopped at the end."""

from __future__ import annotations

from tests.stores.milvus import milvus, own_milvus  # noqa: F401
from tests.stores.postgres import database, database_url, postgres, stores  # noqa: F401
from tests.stores.postgres_library import library  # noqa: F401
from tests.stores.s3 import bucket, s3_endpoint  # noqa: F401
from tests.unit.serve_app.served import url  # noqa: F401
