"""Every pipeline setting reaches the PipelineConfig that is sent with the tasks."""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from actors.launch import Addresses, pipeline_config
from configs.settings import Settings
from pipelines.config import PipelineConfig

PER_RUNNER = {"ocr_workers"}  # computed from the cores of the runner's node
CHANGED: dict[str, Any] = {
    "stores": {"milvus_name": "other", "milvus_database": "papers", "milvus_ca": "/etc/ca.pem"},
    "model": {"max_tokens": 128, "batch_tokens": 64},
    "read": {
        "max_pages": 7,
        "text_first_pages": 5,
        "layout": "off",
        "ocr": "off",
        "ocr_languages": "deu",
        "ocr_dpi": 150,
        "sandbox": "off",
        "limits": {"cpu_seconds": 3},
    },
}


def test_pipeline_config_receives_every_setting(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, **CHANGED)
    config = pipeline_config(settings, Addresses("postgresql://h/d", "http://m", "file:///b"))
    kept = [
        field.name
        for field in fields(PipelineConfig)
        if field.name not in PER_RUNNER
        and getattr(config, field.name)
        == (field.default_factory() if field.default_factory is not MISSING else field.default)
    ]
    assert kept == []
