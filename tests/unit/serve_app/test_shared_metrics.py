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
metrics.set_open_work({("bulk", "queued"): 3})
print(metrics.render().decode())
"""
SENDER = """
import sys
from pathlib import Path
from actors.webhook_metrics import WebhookMetrics
from domain.webhooks import DeliveryStatus
metrics = WebhookMetrics(Path(sys.argv[1]))
metrics.count(DeliveryStatus.PENDING)
"""


def run_process(folder: Path, program: str = PROCESS) -> list[str]:
    """Runs a process; that of PROCESS counts one search and ends in the middle of a stream."""
    command = [sys.executable, "-c", program, str(folder)]
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


def test_api_processes_return_the_attempts_of_the_webhook_sender(tmp_path: Path) -> None:
    for _ in range(2):  # the second process replaces the first one
        run_process(tmp_path, SENDER)
    lines = run_process(tmp_path)
    assert 'paperworks_webhook_attempts_total{outcome="retried"} 2.0' in lines
    assert 'paperworks_webhook_attempts_total{outcome="abandoned"} 0.0' in lines


def test_metrics_of_one_process_stay_in_memory(tmp_path: Path) -> None:
    metrics = Metrics()
    metrics.searches.labels("hybrid").inc()
    assert b'paperworks_searches_total{mode="hybrid"} 1.0' in metrics.render()
    assert not list(tmp_path.iterdir())
