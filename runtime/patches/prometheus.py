"""Metrics of several processes in one folder. Patches prometheus-client 0.26.

Private name: `prometheus_client.values.ValueClass`.

Reason: prometheus-client decides at import time whether the values of metrics are in memory or in
files that all processes of a service read (PROMETHEUS_MULTIPROC_DIR). The variable cannot be set
that early: a replica imports the library while Ray unpickles its class, and Ray's agents would
inherit the variable from `paperworks up`.

Check on upgrade: the name above, and that metrics read it when they are created;
tests/unit/serve_app/test_shared_metrics.py.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from prometheus_client import values


def share_metrics(folder: Path) -> None:
    """Keeps metrics that this process creates from now on in files of the folder."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    module: Any = values
    module.ValueClass = values.MultiProcessValue()
