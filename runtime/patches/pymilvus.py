"""pymilvus, imported without what it does to everybody's logging.

While it is imported it configures the `logging` module anew, which closes the handlers that are
there already: a Serve replica then loses its log file, and fails when a restarted controller asks
where that is. Whoever needs pymilvus imports it from here.
"""

from __future__ import annotations

import logging.config
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def _logging_left_alone() -> Iterator[None]:
    configure: Any = logging.config.dictConfig
    logging.config.dictConfig = lambda config: None
    try:
        yield
    finally:
        logging.config.dictConfig = configure


with _logging_left_alone():
    from pymilvus import CollectionSchema, DataType, MilvusClient, MilvusException
    from pymilvus.milvus_client import IndexParams

__all__ = ["CollectionSchema", "DataType", "IndexParams", "MilvusClient", "MilvusException"]
