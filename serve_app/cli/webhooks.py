"""`paperworks webhooks`: endpoints that are told the end of jobs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from serve_app.cli.common import (
    AsJson,
    library_command,
    print_error,
    printable,
    show,
    show_values,
)

if TYPE_CHECKING:
    from serve_app.client import Client
    from serve_app.schemas.webhooks import CreatedWebhook, Delivery, Webhook

webhooks_app = typer.Typer(
    help="Register webhooks, which report the end of jobs, and see what was delivered.",
    no_args_is_help=True,
)

TargetUrl = Annotated[str, typer.Argument(metavar="URL", help="URL that receives the requests.")]
OfCollections = Annotated[
    list[str] | None,
    typer.Option("--collection", "-c", help="Only jobs of this collection; may be repeated."),
]
OfEvents = Annotated[
    list[str] | None,
    typer.Option(
        "--event",
        "-e",
        help="job_completed, job_partial, job_failed or job_cancelled; may be repeated.",
        show_default="all",
    ),
]
WebhookId = Annotated[str, typer.Argument(metavar="ID", help="Id of a webhook.")]
DeliveryId = Annotated[str, typer.Argument(metavar="DELIVERY", help="Id of a delivery.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=200, help="Maximum of deliveries.")]


@webhooks_app.command()
@library_command
def add(
    client: Client,
    target: TargetUrl,
    collections: OfCollections = None,
    events: OfEvents = None,
    as_json: AsJson = False,
) -> None:
    """Register a webhook and print its signing secret. It is shown only once.

    Example: paperworks webhooks add https://lab.example/papers --event job_completed
    """
    webhook = client.create_webhook(target, collections, events)
    show(webhook, as_json, _created(webhook))


@webhooks_app.command("list")
@library_command
def list_webhooks(client: Client, as_json: AsJson = False) -> None:
    """List all webhooks, without their secrets.

    Example: paperworks webhooks list --json
    """
    webhooks = client.webhooks()
    show(webhooks, as_json, map(_line_of, webhooks.items))


@webhooks_app.command()
@library_command
def remove(client: Client, webhook_id: WebhookId, as_json: AsJson = False) -> None:
    """Remove a webhook and its deliveries; pending ones are not sent.

    Example: paperworks webhooks remove wh_0f1e2d3c4b5a6978
    """
    client.delete_webhook(webhook_id)
    show_values(f"Removed {webhook_id}.", as_json, webhook_id=webhook_id, removed=True)


@webhooks_app.command()
@library_command
def enable(client: Client, webhook_id: WebhookId, as_json: AsJson = False) -> None:
    """Enable a webhook that was disabled, for example because its endpoint answered 410.

    Example: paperworks webhooks enable wh_0f1e2d3c4b5a6978
    """
    webhook = client.change_webhook(webhook_id, enabled=True)
    show(webhook, as_json, [_line_of(webhook)])


@webhooks_app.command()
@library_command
def deliveries(
    client: Client, webhook_id: WebhookId, limit: Limit = 50, as_json: AsJson = False
) -> None:
    """List the deliveries of a webhook, newest first, with the result of the last attempt.

    Example: paperworks webhooks deliveries wh_0f1e2d3c4b5a6978 --limit 20
    """
    page = client.deliveries(webhook_id, limit=limit)
    show(page, as_json, map(_delivery_line, page.items))


@webhooks_app.command()
@library_command
def redeliver(
    client: Client, webhook_id: WebhookId, delivery_id: DeliveryId, as_json: AsJson = False
) -> None:
    """Send a delivery again.

    Example: paperworks webhooks redeliver wh_0f1e2d3c4b5a6978 whd_0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f
    """
    delivery = client.redeliver(webhook_id, delivery_id)
    show(delivery, as_json, [_delivery_line(delivery)])


@webhooks_app.command()
@library_command
def test(client: Client, webhook_id: WebhookId, as_json: AsJson = False) -> None:
    """Send a `ping` to a webhook; `deliveries` shows the result.

    Example: paperworks webhooks test wh_0f1e2d3c4b5a6978
    """
    delivery = client.test_webhook(webhook_id)
    show(delivery, as_json, [_delivery_line(delivery)])


def _created(webhook: CreatedWebhook) -> Iterator[str]:
    yield webhook.secret
    print_error(
        f"Webhook {webhook.webhook_id} was created. The secret is shown only once: store it at "
        "the endpoint, which verifies the signatures with it (docs/webhooks.md)."
    )


def _line_of(webhook: Webhook) -> str:
    collections = ", ".join(webhook.collections) if webhook.collections else "all collections"
    disabled = f"disabled: {webhook.disabled_reason}" if webhook.disabled_at else ""
    parts = (webhook.webhook_id, webhook.url, collections, ", ".join(webhook.events), disabled)
    return printable("  ".join(parts).rstrip())


def _delivery_line(delivery: Delivery) -> str:
    attempts = f"{delivery.attempts} attempts"
    status = "" if delivery.last_status is None else f"status {delivery.last_status}"
    parts = (
        *(delivery.delivery_id, f"{delivery.created_at:%Y-%m-%d %H:%M:%S}", delivery.event),
        *(delivery.job_id, delivery.status, attempts, status, delivery.last_error),
    )
    return printable("  ".join(filter(None, parts)))
