"""The import of pymilvus does not change the logging configuration of the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.paths import ROOT

PROGRAM = """
import logging.handlers, sys
kept = logging.handlers.MemoryHandler(9, target=logging.FileHandler(sys.argv[1]))
logging.getLogger("ours").addHandler(kept)
import stores.milvus.vector_store
logging.getLogger("ours").error("logged")
"""


def test_pymilvus_import_keeps_log_handlers_open(tmp_path: Path) -> None:
    log = tmp_path / "ours.log"
    subprocess.run([sys.executable, "-c", PROGRAM, str(log)], cwd=ROOT, check=True)
    assert log.read_text() == "logged\n"
