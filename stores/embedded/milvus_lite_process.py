"""The process of the embedded Milvus: Milvus Lite stores the chunks, a search index answers.

Run as `python -P -m stores.embedded.milvus_lite_process PORT FOLDER TOKEN_FILE PROGRESS_FILE`. The
port opens when every collection is loaded and indexed.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from runtime.garbage import keep_loaded
from runtime.patches.milvus_lite_server import open_database, serve
from stores.embedded.indexed_collection import IndexedCollection
from stores.embedded.indexed_servicer import IndexedServicer
from stores.embedded.load_progress import LoadProgress

SWITCH_SECONDS = 0.0005
"""After this time a thread that runs Python code yields to a waiting one, for example an upsert to
a search. Python's default is 0.005 s; a search waits several times."""


def main(port: str, folder: str, token_file: str, progress_file: str) -> None:
    """Serves the database of the folder until SIGTERM or SIGINT."""
    sys.setswitchinterval(SWITCH_SECONDS)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("milvus_lite").setLevel(logging.WARNING)  # logs every compaction
    IndexedCollection.progress = LoadProgress(Path(progress_file))
    database = open_database(folder, IndexedCollection)
    keep_loaded()
    serve(database, IndexedServicer(database), int(port), Path(token_file).read_text())


if __name__ == "__main__":
    main(*sys.argv[1:])
