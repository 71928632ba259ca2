"""Prometheus metrics of the API. Each app has its own registry."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

LATENCY_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Counters, gauges and histograms of one app.

    Route labels are route templates, never request paths, which bounds their number.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        counter = partial(Counter, registry=self.registry)
        gauge = partial(Gauge, registry=self.registry)
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
        self._tasks = gauge(
            "paperworks_tasks",
            "Open tasks, read from the database at each scrape.",
            ("lane", "status"),
        )
        self._in_flight = gauge(
            "paperworks_http_in_flight",
            "Requests in progress by admission class.",
            ("request_class",),
        )
        self.rejected = counter(
            "paperworks_http_rejected",
            "Requests rejected with 503 because their class was full.",
            ("request_class",),
        )

    def watch_admission(self, in_flight: Mapping[str, int]) -> None:
        """Exports these counts by request class; every scrape reads `in_flight`."""
        for request_class in in_flight:
            self._in_flight.labels(request_class).set_function(
                partial(in_flight.__getitem__, request_class)
            )
            self.rejected.labels(request_class)

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts a request and records its duration."""
        self._requests.labels(route, method, status).inc()
        self._seconds.labels(route, method).observe(seconds)

    def set_queue_depths(self, depths: Mapping[tuple[str, str], int]) -> None:
        """Sets the open tasks by (lane, status) and removes all other label values."""
        self._tasks.clear()
        for (lane, status), count in depths.items():
            self._tasks.labels(lane, status).set(count)

    def render(self) -> bytes:
        """Returns all metrics in the Prometheus text format."""
        return generate_latest(self.registry)
