"""Prometheus metrics of the API, summed over its processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from domain.activity import Activity
from serve_app.api.request_times import RequestTimes

# Requests whose durations the System page shows; the search page counts its searches itself.
ACTIVITIES = {
    ("POST", "/api/v1/search"): Activity.SEARCH,
    ("POST", "/api/v1/upload-async"): Activity.UPLOAD,
    ("POST", "/api/v1/documents"): Activity.UPLOAD,
}
LATENCY_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class OpenWork(Collector):
    """The open tasks by (lane, status) and the pending deliveries, read from the database at each
    scrape. `pending` None: not known."""

    def __init__(self) -> None:
        self.depths: Mapping[tuple[str, str], int] = {}
        self.pending: int | None = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields the gauges."""
        tasks = GaugeMetricFamily(
            "paperworks_tasks",
            "Open tasks, read from the database at each scrape.",
            labels=("lane", "status"),
        )
        for labels, count in self.depths.items():
            tasks.add_metric(labels, count)
        yield tasks
        if self.pending is not None:
            yield GaugeMetricFamily(
                "paperworks_webhook_deliveries_pending",
                "Deliveries that wait for an attempt, read from the database at each scrape.",
                self.pending,
            )


class Metrics:
    """Counters, gauges and histograms of one app.

    `shared`: the folder in which all processes of the API keep their values, after
    `share_metrics`; every process then returns the sums. None: the values are in memory. Route
    labels are route templates, never request paths, which bounds their number.
    """

    def __init__(self, shared: Path | None = None) -> None:
        self.shared = shared
        self.times = RequestTimes()
        self.registry = CollectorRegistry()
        self._open_work = OpenWork()
        self._not_shared = CollectorRegistry()
        self._not_shared.register(self._open_work)
        counter = partial(Counter, registry=self.registry)
        self._requests = counter(
            "paperworks_http_requests", "Requests answered.", ("route", "method", "status")
        )
        self._seconds = Histogram(
            "paperworks_http_request_seconds",
            "Time from the request to the end of its response.",
            ("route", "method"),
            buckets=LATENCY_SECONDS,
            registry=self.registry,
        )
        self.uploads = counter(
            "paperworks_uploads",
            "Uploaded files: accepted, duplicate, or the error code of the rejection.",
            ("outcome",),
        )
        self.searches = counter("paperworks_searches", "Searches answered.", ("mode",))
        self.in_flight = Gauge(
            "paperworks_http_in_flight",
            "Requests in progress by admission class.",
            ("request_class",),
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.rejected = counter(
            "paperworks_http_rejected",
            "Requests rejected with 503 because their class was full.",
            ("request_class",),
        )

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts a request and records its duration."""
        self._requests.labels(route, method, status).inc()
        self._seconds.labels(route, method).observe(seconds)
        if status < HTTPStatus.BAD_REQUEST and (activity := ACTIVITIES.get((method, route))):
            self.times.observe(activity, seconds)

    def set_open_work(
        self, depths: Mapping[tuple[str, str], int], pending: int | None = None
    ) -> None:
        """Sets the open tasks by (lane, status), without the previous ones, and the number of
        pending webhook deliveries."""
        self._open_work.depths, self._open_work.pending = depths, pending

    def render(self) -> bytes:
        """Returns all metrics in the Prometheus text format."""
        registry = self.registry if self.shared is None else _sums(self.shared)
        return generate_latest(registry) + generate_latest(self._not_shared)


def _sums(folder: Path) -> CollectorRegistry:
    """Returns the metrics of all processes; gauges only of those that run."""
    for file in folder.glob("gauge_live*.db"):
        process = int(file.stem.rpartition("_")[2])
        if not psutil.pid_exists(process):
            mark_process_dead(process, str(folder))
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))
    return registry
