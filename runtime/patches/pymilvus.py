"""pymilvus without its change of the global logging configuration. Patches pymilvus 3.0.

Import pymilvus only from here. `logging.config.dictConfig`, which `pymilvus/settings.py` calls at
import time, does nothing during the import.

Reason: the call closes all existing handlers. A Serve replica then loses its log file and fails
when a restarted controller asks for its path.

Check on upgrade: pymilvus/settings.py still calls `logging.config.dictConfig` by that name;
tests/unit/runtime/test_pymilvus_patch.py.
"""

from __future__ import annotations

import logging.config
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def _logging_unchanged() -> Iterator[None]:
    configure: Any = logging.config.dictConfig
    logging.config.dictConfig = lambda config: None
    try:
        yield
    finally:
        logging.config.dictConfig = configure


with _logging_unchanged():
    from pymilvus import CollectionSchema, DataType, MilvusClient, MilvusException
    from pymilvus.milvus_client import IndexParams

__all__ = ["CollectionSchema", "DataType", "IndexParams", "MilvusClient", "MilvusException"]
