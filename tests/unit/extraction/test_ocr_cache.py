"""The stored form of the lines that OCR read."""

from __future__ import annotations

import gzip
import json

from extraction.ocr.ocr_cache import dump_scans, load_scans
from extraction.ocr.placed import ScannedLine


def test_ocr_cache_round_trip_keeps_rotation_under_its_stored_name() -> None:
    line = ScannedLine("text", 1, 0.0, 0.0, 10.0, 10.0, 9.0, 9.0, rotation=3)
    data = dump_scans({1: [line]})
    stored = json.loads(gzip.decompress(data))["1"][0]
    assert stored["turn"] == 3
    assert stored["unraised"] == ""
    loaded = load_scans(data)[1][0]
    assert (loaded.rotation, loaded.text, loaded.box) == (3, "text", line.box)
