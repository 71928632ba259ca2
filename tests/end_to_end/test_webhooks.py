"""Webhooks of a running service: a paper ends, and a server on loopback receives the delivery."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from serve_app.client import Client
from tests.paths import BIN
from tests.service import RunningService, clean_environment
from tests.timing import wait_until
from tests.webhook_receiver import receiver


def test_end_of_an_upload_is_delivered_after_a_failed_attempt(
    library: Client, collection: str, small_papers: list[Path]
) -> None:
    with receiver() as server:
        server.statuses = [500]
        webhook = library.create_webhook(server.url, [collection])
        job_id = library.upload(small_papers[0], collection).job_id
        assert library.wait(job_id, 120).status == "completed"
        first, second = server.wait_for(2)
        wait_until(lambda: library.deliveries(webhook.webhook_id).items[0].status == "delivered")
        [delivery] = library.deliveries(webhook.webhook_id).items
        library.delete_webhook(webhook.webhook_id)
    assert (delivery.attempts, delivery.last_status, delivery.job_id) == (2, 204, job_id)
    for request in (first, second):
        payload = request.verified(webhook.secret)
        assert request.delivery_id == delivery.delivery_id
        assert payload["type"] == "job.completed"
        assert payload["data"]["collection"] == collection
        counts = {"total": 1, "completed": 1, "failed": 0, "cancelled": 0}
        assert payload["data"]["counts"] == counts


def test_commands_register_and_test_a_webhook(service: RunningService, library: Client) -> None:
    def run(*arguments: str) -> str:
        return subprocess.run(
            [BIN / "paperworks", "webhooks", *arguments, "--url", service.url],
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    with receiver() as server:
        created = json.loads(run("add", server.url, "--event", "job_failed", "--json"))
        name = created["webhook_id"]
        run("test", name)
        [request] = server.wait_for(1)
        wait_until(lambda: "delivered" in run("deliveries", name))
        assert request.verified(created["secret"])["data"] == {"webhook_id": name}
        run("remove", name)
    assert name not in {one.webhook_id for one in library.webhooks().items}
