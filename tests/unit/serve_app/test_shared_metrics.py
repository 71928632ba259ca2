"""Metrics of several API processes: every process returns the sums."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from serve_app.api.metrics import Metrics

PROCESS = """
import sys
from pathlib import Path
from runtime.patches.prometheus import share_metrics
share_metrics(Path(sys.argv[1]))
from serve_app.api.metrics import Metrics
metrics = Metrics(Path(sys.argv[1]))
metrics.searches.labels("hybrid").inc()
metrics.count_request("/livez", "GET", 200, 0.01)
metrics.in_flight.labels("streams").inc()
metrics.set_queue_depths({("bulk", "queued"): 3})
print(metrics.render().decode())
"""


def run_process(folder: Path) -> list[str]:
    """Runs a process that counts one search and ends in the middle of a stream."""
    command = [sys.executable, "-c", PROCESS, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_every_process_returns_sum_of_counters_and_gauges_of_live_processes(
    tmp_path: Path,
) -> None:
    run_process(tmp_path)
    lines = run_process(tmp_path)
    assert 'paperworks_searches_total{mode="hybrid"} 2.0' in lines
    assert 'paperworks_http_request_seconds_count{method="GET",route="/livez"} 2.0' in lines
    assert 'paperworks_http_in_flight{request_class="streams"} 1.0' in lines
    assert 'paperworks_tasks{lane="bulk",status="queued"} 3.0' in lines


def test_metrics_of_one_process_stay_in_memory(tmp_path: Path) -> None:
    metrics = Metrics()
    metrics.searches.labels("hybrid").inc()
    assert b'paperworks_searches_total{mode="hybrid"} 1.0' in metrics.render()
    assert not list(tmp_path.iterdir())
