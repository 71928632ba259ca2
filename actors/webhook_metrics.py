"""Prometheus metrics of the webhook deliveries, which the API processes of the node return."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry, Counter

from domain.webhooks import DeliveryStatus
from runtime.patches.prometheus import share_metrics
from runtime.private_files import private_folder

# What an attempt leads to, by the status of its delivery afterwards.
OUTCOMES = {
    DeliveryStatus.DELIVERED: "delivered",
    DeliveryStatus.PENDING: "retried",
    DeliveryStatus.ABANDONED: "abandoned",
}


class WebhookMetrics:
    """Counts attempts by their outcomes. `shared`: the folder in which all processes of the service
    keep their values; None: the values are in memory."""

    def __init__(self, shared: Path | None = None) -> None:
        if shared is not None:
            share_metrics(private_folder(shared))
        self.registry = CollectorRegistry()
        self._attempts = Counter(
            "paperworks_webhook_attempts",
            "Attempts to deliver to a webhook: delivered, retried (failed, and sent again later), "
            "abandoned (failed for the last time).",
            ("outcome",),
            registry=self.registry,
        )
        for outcome in OUTCOMES.values():  # a counter that is absent cannot be seen to increase
            self._attempts.labels(outcome)

    def count(self, status: DeliveryStatus) -> None:
        """Counts an attempt by the status of its delivery afterwards."""
        self._attempts.labels(OUTCOMES[status]).inc()
