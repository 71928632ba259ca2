"""Webhooks: register endpoints that are told the end of jobs, and read what was delivered."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path

from domain.identifiers import DELIVERY_ID, WEBHOOK_ID
from serve_app.access.requirements import ADMINISTERS
from serve_app.api.caching import NOT_STORED
from serve_app.api.parameters import Cursor, Limit, identifier, unknown
from serve_app.api.problems import problem_responses
from serve_app.api.services import PREFIX, ServicesDep
from serve_app.schemas import webhooks as schemas
from serve_app.schemas.core import Listed
from serve_app.schemas.requests import NewWebhook, WebhookSettings

router = APIRouter(prefix=f"{PREFIX}/webhooks", tags=["webhooks"], dependencies=[ADMINISTERS])

WebhookId = Annotated[
    str,
    identifier(WEBHOOK_ID, partial(unknown, "webhook")),
    Path(description="A `webhook_id`.", json_schema_extra={"pattern": WEBHOOK_ID.pattern}),
]
DeliveryId = Annotated[
    str,
    identifier(DELIVERY_ID, partial(unknown, "delivery")),
    Path(description="A `delivery_id`.", json_schema_extra={"pattern": DELIVERY_ID.pattern}),
]


@router.post("", status_code=201, responses=problem_responses(409), dependencies=[NOT_STORED])
async def create_webhook(body: NewWebhook, services: ServicesDep) -> schemas.CreatedWebhook:
    """Creates a webhook. The response contains the secret of its signatures, which is not shown
    again."""
    webhook, secret = await services.webhooks.create(body.url, body.events, body.collections)
    return schemas.CreatedWebhook(**webhook.model_dump(), secret=secret)


@router.get("", responses=problem_responses())
async def list_webhooks(services: ServicesDep) -> schemas.Webhooks:
    """Returns all webhooks without their secrets, newest first."""
    return schemas.Webhooks.model_validate({"items": await services.webhooks.list()})


@router.get("/{webhook_id}", responses=problem_responses(404))
async def get_webhook(webhook_id: WebhookId, services: ServicesDep) -> schemas.Webhook:
    """Returns a webhook without its secret."""
    return schemas.Webhook.model_validate(await services.webhooks.get(webhook_id))


@router.patch("/{webhook_id}", responses=problem_responses(404))
async def change_webhook(
    webhook_id: WebhookId, settings: WebhookSettings, services: ServicesDep
) -> schemas.Webhook:
    """Changes the collections or events of a webhook, disables or enables it, and returns it."""
    given = settings.model_dump(exclude_unset=True)
    return schemas.Webhook.model_validate(await services.webhooks.change(webhook_id, given))


@router.delete("/{webhook_id}", status_code=204, responses=problem_responses(404))
async def delete_webhook(webhook_id: WebhookId, services: ServicesDep) -> None:
    """Deletes a webhook with its deliveries; pending ones are not sent."""
    await services.webhooks.delete(webhook_id)


@router.get("/{webhook_id}/deliveries", responses=problem_responses(404))
async def list_deliveries(
    webhook_id: WebhookId, services: ServicesDep, cursor: Cursor = None, limit: Limit = 50
) -> Listed[schemas.Delivery]:
    """Returns the deliveries of a webhook with the results of their attempts, newest first."""
    page = await services.webhooks.deliveries(webhook_id, cursor=cursor, limit=limit)
    items = list(map(schemas.Delivery.model_validate, page.items))
    return Listed(items=items, next_cursor=page.next_cursor)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver",
    status_code=202,
    responses=problem_responses(404, 409),
)
async def redeliver(
    webhook_id: WebhookId, delivery_id: DeliveryId, services: ServicesDep
) -> schemas.Delivery:
    """Queues a delivery again, with the same `webhook-id` and all retries."""
    delivery = await services.webhooks.redeliver(webhook_id, delivery_id)
    return schemas.Delivery.model_validate(delivery)


@router.post("/{webhook_id}/test", status_code=202, responses=problem_responses(404, 409))
async def send_ping(webhook_id: WebhookId, services: ServicesDep) -> schemas.Delivery:
    """Queues a delivery of the event `ping`."""
    return schemas.Delivery.model_validate(await services.webhooks.ping(webhook_id))
